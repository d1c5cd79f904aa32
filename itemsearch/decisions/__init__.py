"""Decisions of people about listings: their log, the labels of pairs that they make, their export."""
