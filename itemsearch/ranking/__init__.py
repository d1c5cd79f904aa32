"""Measures how similar two listings are and turns that evidence into a match score; NumPy alone."""
