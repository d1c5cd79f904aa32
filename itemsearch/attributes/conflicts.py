"""Conflicts of two listings: attributes in which they differ, so that they are variants."""

from __future__ import annotations

from collections.abc import Collection, Iterable

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
    conflicts = set()
    if a.has_part or b.has_part:
        conflicts = {_part_conflict(a, b), _part_conflict(b, a, swapped=True)}
    for key in a.values.keys() & b.values.keys():
        if key[0] == "part":
            continue
        conflicts.add(_suffix_conflict(a, b, key) if key[0] == "suffix" else _conflict(a, b, key))
    return sorted(conflicts - {""})


def contradict(rule: str, one: Collection[Value], other: Collection[Value]) -> bool:
    """Whether what two titles say of one dimension is a conflict; of every rule but suffix and part, which
    depend on the titles' other words."""
    only_one, only_other = _unshared(rule, one, other), _unshared(rule, other, one)
    shared = len(only_one) < len(one) or len(only_other) < len(other)
    return bool(only_one and only_other) and not (rule == "model" and shared)


def _unshared(rule: str, values: Iterable[Value], others: Collection[Value]) -> list[Value]:
    alike = _model_in if rule == "model" else _same
    return [value for value in values if not any(alike(value, other) for other in others)]


def _conflict(a: Attributes, b: Attributes, key: tuple[str, str]) -> str:
    rule, said_a, said_b = key[0], a.values[key], b.values[key]
    if not contradict(rule, said_a, said_b):
        return ""
    only_a, only_b = _unshared(rule, said_a, said_b), _unshared(rule, said_b, said_a)
    words = (", ".join(said_a[value] for value in only_a), ", ".join(said_b[value] for value in only_b))
    return f"{rule}: {' / '.join(words)}"


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
