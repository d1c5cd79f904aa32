"""Conflicts of two listings: attributes in which they differ, so that they are variants."""

from __future__ import annotations

from itemsearch.attributes.reading import Attributes
from itemsearch.attributes.text import Value

ROUNDED = 0.02
"""Amounts so near, as a share, are one: 12 oz is 355 ml."""


def find_conflicts(a: Attributes, b: Attributes) -> list[str]:
    """Such as "size: 500 ml / 1 l": both speak of a dimension and each says what the other does not.

    A side that says nothing conflicts with nothing, nor does one that says less: "black" fits "black and
    red". Of models, of which a title may name many, one in common is enough. Of a model's suffix, and of a
    part, to say nothing is to speak: "13" is not "13 Pro", a vacuum cleaner is not its replacement filter.
    """
    conflicts = {_part_conflict(a, b), _part_conflict(b, a, swapped=True)}
    for key in a.values.keys() & b.values.keys():
        if key[0] == "part":
            continue
        conflicts.add(_suffix_conflict(a, b, key) if key[0] == "suffix" else _conflict(a, b, key))
    return sorted(conflicts - {""})


def _conflict(a: Attributes, b: Attributes, key: tuple[str, str]) -> str:
    said_a, said_b = a.values[key], b.values[key]
    alike = _model_in if key[0] == "model" else _same
    only_a = [words for value, words in said_a.items() if not any(alike(value, other) for other in said_b)]
    only_b = [words for value, words in said_b.items() if not any(alike(value, other) for other in said_a)]
    shared = len(only_a) < len(said_a) or len(only_b) < len(said_b)
    if not (only_a and only_b) or (key[0] == "model" and shared):
        return ""
    return f"{key[0]}: {', '.join(only_a)} / {', '.join(only_b)}"


def _suffix_conflict(a: Attributes, b: Attributes, key: tuple[str, str]) -> str:
    suffixes_a, suffixes_b = ({*map(str, side.values[key])} for side in (a, b))
    if suffixes_a & suffixes_b:
        return ""
    more_a = {word for suffix in suffixes_a for word in suffix.split()} - b.words
    more_b = {word for suffix in suffixes_b for word in suffix.split()} - a.words
    if not (more_a or more_b):
        return ""  # the word stands elsewhere in the other title
    return f"suffix: {', '.join(a.values[key].values())} / {', '.join(b.values[key].values())}"


def _part_conflict(a: Attributes, b: Attributes, swapped: bool = False) -> str:
    """Whether a sells a part whose name b never mentions."""
    parts = [
        words
        for (rule, noun), said in a.values.items()
        if rule == "part"
        for words in said.values()
        if noun not in b.words and ("part", noun) not in b.values
    ]
    if not parts:
        return ""
    sides = ("the whole", parts[0]) if swapped else (parts[0], "the whole")
    return f"part: {sides[0]} / {sides[1]}"


def _same(one: Value, other: Value) -> bool:
    if isinstance(one, float) and isinstance(other, float):
        return abs(one - other) <= ROUNDED * max(abs(one), abs(other))
    return one == other


def _model_in(one: Value, other: Value) -> bool:
    """Sellers add and drop the ends of model numbers: a region, a colour."""
    return str(one) in str(other) or str(other) in str(one)
