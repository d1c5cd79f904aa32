"""Measurements, ours and the usual means', on the same data in the same run."""
