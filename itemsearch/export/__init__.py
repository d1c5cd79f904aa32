"""Exports the vectors, ids and columns of an index to a vector database or to files."""
