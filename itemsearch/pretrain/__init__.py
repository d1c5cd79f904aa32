"""Pre-training of an encoder on catalogs, without labels."""
