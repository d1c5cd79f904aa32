"""Reads size, capacity, pack, colour and model from titles, as values that can be compared."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from functools import lru_cache

Value = float | str
"""An amount in its dimension's first unit, or a word in one spelling."""
Readings = Iterator[tuple[str, Value, str]]
"""A dimension, a value of it, and the words of the title that name it."""

_UNITS: Mapping[str, tuple[str, str, float]] = {
    unit: (rule, dimension, factor)
    for rule, dimension, factor, units in (
        ("size", "volume", 1, "ml millilitre milliliter millilitres milliliters"),
        ("size", "volume", 10, "cl"),
        ("size", "volume", 1000, "l litre liter litres liters ltr"),
        ("size", "weight", 0.001, "mg"),
        ("size", "weight", 1, "g gm gms gram grams"),
        ("size", "weight", 1000, "kg kgs kilo kilos kilogram kilograms"),
        ("size", "weight", 28.35, "oz ounce ounces"),
        ("size", "weight", 453.6, "lb lbs"),
        ("size", "length", 1, "mm"),
        ("size", "length", 10, "cm"),
        ("size", "length", 1000, "m metre meter metres meters"),
        ("size", "length", 25.4, 'inch inches in " \'\' ” ″'),
        ("size", "length", 304.8, "ft feet foot"),
        ("capacity", "storage", 1, "gb"),
        ("capacity", "storage", 1000, "tb"),
        ("capacity", "power", 1, "w watt watts"),
        ("capacity", "power", 1000, "kw"),
        ("capacity", "charge", 1, "mah"),
        ("capacity", "voltage", 1, "v volt volts"),
        ("capacity", "pixels", 1, "mp megapixel megapixels"),
    )
    for unit in units.split()
}  # fmt: skip
_UNIT = "|".join(re.escape(unit) for unit in sorted(_UNITS, key=len, reverse=True))
_NUMBER = r"(?:\d+(?:[.,]\d+)?|[.]\d+)"
_MEASURE = re.compile(
    rf"(?<![\w.,])(?P<numbers>{_NUMBER}(?:\s?[x\u00d7]\s?{_NUMBER})*)[\s-]?(?P<unit>{_UNIT})(?!\w)",
    re.IGNORECASE,
)
_TIMES = re.compile(r"\s?[x\u00d7]\s?", re.IGNORECASE)
_WORN = re.compile(
    r"\b(?:size|sz)[\s:.-]*(?P<named>\d{1,2}(?:[.]5)?|[x\d]{0,3}[sml]|small|medium|large)\b"
    r"|\b(?:uk|eu|us)[\s-]?(?P<scaled>\d{1,2}(?:[.]5)?)\b"
    r"|(?<![\w'&-])(?P<alone>x{1,4}[sl]|[2-6]x[sl])(?![\w'&-])",
    re.IGNORECASE,
)
_LETTER_SIZES = {
    "small": "s",
    "medium": "m",
    "large": "l",
    "xxs": "2xs",
    "xxl": "2xl",
    "xxxl": "3xl",
    "xxxxl": "4xl",
}
_PACK = re.compile(
    r"\b(?:pack|set|box|lot|bundle|case)\s+of\s+(?P<of>\d{1,4})\b"
    r"|\b(?P<before>\d{1,4})[\s-]?(?:pack|packs|pk|pcs|pc|pieces|piece|count|ct|pairs)\b"
    r"|(?<![\w.,])(?P<times>\d{1,3})\s?[x\u00d7]\s?(?=\d)"
    r"|\b(?P<name>twin|double|triple)[\s-]?pack\b",
    re.IGNORECASE,
)  # fmt: skip
_NAMED_PACKS = {"twin": "2", "double": "2", "triple": "3"}
_AXIS = re.compile(r"\s?(?:(?P<width>wide|width|w)|(?P<height>high|height|tall|h)|(?P<depth>deep|depth|d))\b")
_NETWORKS = frozenset({"2g", "3g", "4g", "5g"})
_COLOUR_WORDS: Mapping[str, str] = {
    word: family
    for family, words in {
        "black": "black blk noir",
        "white": "white wht ivory ecru offwhite",
        "grey": "grey gray gry charcoal graphite anthracite gunmetal",
        "silver": "silver slvr",
        "gold": "gold golden",
        "red": "red rd maroon burgundy crimson scarlet",
        "blue": "blue blu navy cobalt indigo sapphire",
        "green": "green grn emerald",
        "yellow": "yellow ylw mustard",
        "orange": "orange orng",
        "pink": "pink pnk magenta fuchsia",
        "purple": "purple violet lavender lilac mauve",
        "brown": "brown brn",
        "beige": "beige",
    }.items()
    for word in words.split()
}  # fmt: skip
_WORD = re.compile(r"[^\W_]+")
_MODEL = re.compile(r"[^\W_]+(?:[-/.][^\W_]+)*")
_LETTER_THEN_DIGIT = re.compile(r"[^\W\d].*\d")
_LAST_NUMBER = re.compile(r"(?<=\s)\d{2,5}(?=\s*$)")
LEAST_MODEL = 3
"""The least length of a model: "s8" is one phone, but "i7" is in many laptops."""
MOST_SERIES = 4
"""A model up to this length is a series, as n70 in "neff n70 ka3923i20g", and no number of an article."""
CACHED_TITLES = 100_000


def _measures(title: str, rule: str) -> Readings:
    """Reads numbers with a unit: 500 ml from "2 x 500 ml", both lengths from "30 x 40 cm".

    Widths, heights and depths are dimensions of their own. Clock rates are not read: some sellers give the
    least, others the most.
    """
    for match in _MEASURE.finditer(title):
        of, dimension, factor = _UNITS[match["unit"].lower()]
        if of != rule or match[0].lower() in _NETWORKS:
            continue
        unit = match["unit"].lower()
        space = " " if unit.isalpha() else ""
        numbers = _TIMES.split(match["numbers"])
        if dimension == "length" and len(numbers) == 1 and (axis := _AXIS.match(title.lower(), match.end())):
            dimension = str(axis.lastgroup)  # a width and a height are no conflict
        for number in numbers if dimension == "length" else numbers[-1:]:
            yield dimension, float(number.replace(",", ".")) * factor, f"{number}{space}{unit}"


def _sizes(title: str) -> Readings:
    yield from _measures(title, "size")
    for match in _WORN.finditer(_MEASURE.sub(" ", title)):  # "size: 50 ml" is no shoe
        size = (match["named"] or match["scaled"] or match["alone"]).lower()
        yield "worn", _LETTER_SIZES.get(size, size), size.upper() if size.isalnum() else size


def _capacities(title: str) -> Readings:
    yield from _measures(title, "capacity")


def _packs(title: str) -> Readings:
    lengths = [
        match.span() for match in _MEASURE.finditer(title) if _UNITS[match["unit"].lower()][1] == "length"
    ]
    for match in _PACK.finditer(title):
        if match["times"] and any(start <= match.start() < end for start, end in lengths):
            continue  # 30 x 40 cm
        count = match["of"] or match["before"] or match["times"] or _NAMED_PACKS[match["name"].lower()]
        yield "count", float(count), match[0].strip().rstrip("x\u00d7 ").lower()


def _colours(title: str) -> Readings:
    for word in _WORD.findall(title.lower()):
        if family := _COLOUR_WORDS.get(word):
            yield "colour", family, word


def _models(title: str) -> Readings:
    """Reads tokens in which a digit follows a letter, and a number at the end of the title, such as that of a
    shade; numbers with a unit, sizes and packs are no models."""
    plain = _PACK.sub(" ", _WORN.sub(" ", _MEASURE.sub(" ", title)))
    for match in _MODEL.finditer(plain):
        token = "".join(_WORD.findall(match[0].lower()))
        if len(token) >= LEAST_MODEL and _LETTER_THEN_DIGIT.search(token):
            number = token.replace("o", "0")  # sellers confuse o and 0
            yield ("series" if len(token) <= MOST_SERIES else "number"), number, match[0]
    if last := _LAST_NUMBER.search(plain):
        yield "ending", last[0], last[0]


READERS: Mapping[str, Callable[[str], Readings]] = {
    "size": _sizes,
    "capacity": _capacities,
    "pack": _packs,
    "model": _models,
    "colour": _colours,
}
"""Rule to the function that reads it from a title."""

Values = Mapping[tuple[str, str], Mapping[Value, str]]
"""(Rule, dimension) to its values, each to the first words that name it."""


@lru_cache(CACHED_TITLES)
def read_attributes(text: str, rules: tuple[str, ...]) -> Values:
    """Reads the attributes of a title or another text; a dimension without a value is left out."""
    values: dict[tuple[str, str], dict[Value, str]] = {}
    for rule in rules:
        for dimension, value, words in READERS[rule](text):
            values.setdefault((rule, dimension), {}).setdefault(value, words)
    return values
