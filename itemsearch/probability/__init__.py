"""How sure a pair is one product: what an index knows of it."""
