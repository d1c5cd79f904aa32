"""Pairs of listings: candidates, evidence, decision."""
