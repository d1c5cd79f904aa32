"""Benchmarks of itemsearch and of baselines, on the same data in the same run."""
