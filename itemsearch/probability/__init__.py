"""The probability that a pair is one product: its calibration and its thresholds, as an index stores them."""
