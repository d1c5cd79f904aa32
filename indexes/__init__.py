"""Builds, stores and searches FAISS indexes of vectors, which it knows by row number alone."""
