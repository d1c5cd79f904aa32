"""Edits of titles and pictures that simulate another seller's listing of the same product."""
