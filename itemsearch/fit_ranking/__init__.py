"""Fits a ranking to training queries drawn from catalogs; needs torch."""
