"""Experiments behind the documentation's figures. Not part of the wheel."""
