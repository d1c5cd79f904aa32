"""Calibrates probabilities from labels."""
