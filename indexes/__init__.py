"""Vectors and row numbers, and everything that is FAISS. Knows nothing of products."""
