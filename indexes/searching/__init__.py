"""Finds the nearest rows of query vectors, with or without a filter."""
