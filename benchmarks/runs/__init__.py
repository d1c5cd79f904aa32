"""The benchmark commands: each file runs the command `itemsearch benchmark` of its name."""

from collections.abc import Callable

Progress = Callable[[str], None]
"""Receives a line of text at the start of each step."""
