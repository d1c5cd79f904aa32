"""Reads sizes, packs, colours, models and other attributes from titles, in twelve languages."""
