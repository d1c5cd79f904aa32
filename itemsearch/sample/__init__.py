"""Generation of a sample catalog: invented products with drawn pictures."""
