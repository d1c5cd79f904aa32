"""How files are read, where their bytes do not tell or the user knows better."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class ReadOptions:
    """What the user says about the format of files."""
