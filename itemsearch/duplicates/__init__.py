"""Which listings are the same product: candidates, evidence, decisions, groups."""
