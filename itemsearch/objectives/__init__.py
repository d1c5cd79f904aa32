"""Pre-training objectives: a module for each loss, and the masking that they share."""
