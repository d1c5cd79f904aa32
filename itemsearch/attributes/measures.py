"""Numbers with a unit: sizes and capacities."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache

from itemsearch.attributes.vocabulary import Unit, fold, is_spaceless, units

RULE_OF = {
    "volume": "size",
    "weight": "size",
    "length": "size",
    "storage": "capacity",
    "power": "capacity",
    "charge": "capacity",
    "voltage": "capacity",
    "pixels": "capacity",
}
"""The rule that each dimension belongs to."""
_MARKS = ('"', "''", "\u201d", "\u2033", "\u2032\u2032")
"""Signs of inches."""
_NUMBER = r"(?:\d+(?:[.,]\d+)?|[.]\d+)"
_TIMES = re.compile(r"\s?[x\u00d7*]\s?", re.IGNORECASE)
_AXIS = re.compile(r"\s?(?:(?P<width>wide|width|w)|(?P<height>high|height|tall|h)|(?P<depth>deep|depth|d))\b")
_NETWORKS = frozenset({"2g", "3g", "4g", "5g"})


def read_measures(folded: str, rule: str) -> Iterator[tuple[str, float, str]]:
    """(dimension, amount, words): "2 x 500 ml" says 500 ml, "30 x 40 cm" says both lengths.

    Widths, heights and depths are dimensions of their own. Clock rates are left out: sellers give the least
    or the most.
    """
    for match in measure_pattern().finditer(folded):
        unit = _unit(match["unit"])
        dimension = unit.dimension
        if RULE_OF[dimension] != rule or match[0] in _NETWORKS:
            continue
        space = " " if match["unit"].isalpha() else ""
        numbers = _TIMES.split(match["numbers"])
        if dimension == "length" and len(numbers) == 1 and (axis := _AXIS.match(folded, match.end())):
            dimension = str(axis.lastgroup)  # the width of one and the height of another are no conflict
        for number in numbers if unit.dimension == "length" else numbers[-1:]:
            yield dimension, float(number.replace(",", ".")) * unit.factor, f"{number}{space}{match['unit']}"


def without_measures(folded: str) -> str:
    """Folded text with a space in place of each number with a unit."""
    return measure_pattern().sub(" ", folded)


def lengths(folded: str) -> list[tuple[int, int]]:
    """Where lengths stand."""
    found = measure_pattern().finditer(folded)
    return [match.span() for match in found if _unit(match["unit"]).dimension == "length"]


@cache
def measure_pattern() -> re.Pattern[str]:
    """A number, or numbers with "x" between them, and a unit."""
    names = sorted((name for name in units()), key=len, reverse=True)
    spaced = [_text(name) for name in names if not is_spaceless(name)]
    spaceless = [re.escape(name) for name in names if is_spaceless(name)]
    marks = [re.escape(mark) for mark in _MARKS]
    unit = rf"(?:{'|'.join([*spaced, *marks])})(?!\w)|(?:{'|'.join(spaceless)})"
    return re.compile(
        rf"(?<![0-9.,a-z\u0430-\u044f])(?P<numbers>{_NUMBER}(?:\s?[x\u00d7*]\s?{_NUMBER})*)[\s-]?(?P<unit>{unit})",
        re.IGNORECASE,
    )


def _text(name: str) -> str:
    return re.escape(name.removesuffix("*")) + (r"\w{0,4}" if name.endswith("*") else "")


@cache
def _unit(name: str) -> Unit:
    known = units()
    folded = fold(name)
    if name in _MARKS:
        return known["inch"]
    if folded in known:
        return known[folded]
    return next(
        unit
        for stem, unit in known.items()
        if stem.endswith("*") and folded.startswith(stem.removesuffix("*"))
    )
