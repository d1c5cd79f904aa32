"""What is measured: itemsearch and its baselines."""
