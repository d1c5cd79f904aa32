"""Measures computed from arrays of answers, with bootstrap intervals, and measures of the machine."""
