"""Finds the words that only one of two titles has."""

from __future__ import annotations

import re

_WORD = re.compile(r"\w+(?:[./'-]\w+)*")


def differing_words(title: str, other: str) -> tuple[list[str], list[str]]:
    """The words of each title that the other lacks, as they are written, in order, whatever their case."""
    words, others = _WORD.findall(title), _WORD.findall(other)
    known, other_known = {word.casefold() for word in words}, {word.casefold() for word in others}
    return (
        [word for word in words if word.casefold() not in other_known],
        [word for word in others if word.casefold() not in known],
    )
