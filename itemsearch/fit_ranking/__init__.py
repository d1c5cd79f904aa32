"""Fits a ranking to training queries."""
