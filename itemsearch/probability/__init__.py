"""The probability that a pair is one product: learnt from a catalog without labels, refined by labels."""
