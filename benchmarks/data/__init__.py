"""Queries, galleries and truth that benchmarks are run on."""
