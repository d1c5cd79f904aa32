"""Finds listings that are one product: pairs, decisions, groups, and the calibration of an index."""
