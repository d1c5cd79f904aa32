"""How files are read, where their bytes do not tell or the user knows better."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class ReadOptions:
    """What the user says about the format of files.

    sheet: the sheet to read of Excel files; "" for the first that has rows.
    """

    sheet: str = ""
