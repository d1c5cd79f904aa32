"""Decisions of people about listings: the log, what it states, its export."""
