"""Builds an index from vectors: chooses its specification, trains, tunes and measures it."""
