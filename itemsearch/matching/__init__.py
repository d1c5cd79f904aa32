"""Matches incoming listings with an index: each is a listing that is there, perhaps one, or new."""
