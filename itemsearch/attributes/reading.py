"""Reads what a title says of size, capacity, pack, model, colour and such, in values that can be compared.

A reader yields (dimension, value, words): "2 x 500 ml" says ("volume", 500.0, "500 ml").
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache, lru_cache

from itemsearch.attributes.measures import read_measures
from itemsearch.attributes.numbers import (
    read_generations,
    read_models,
    read_numbers,
    read_strengths,
    read_suffixes,
    read_years,
)
from itemsearch.attributes.packs import read_packs
from itemsearch.attributes.text import DIGIT, WORD, Reading, Text, Value, Values, worn_pattern
from itemsearch.attributes.vocabulary import any_of, words_of

CACHED_TITLES = 20_000

_LETTER_SIZES = {
    "small": "s",
    "medium": "m",
    "large": "l",
    "xxs": "2xs",
    "xxl": "2xl",
    "xxxl": "3xl",
    "xxxxl": "4xl",
}
_BEDDING = re.compile(
    r"(?<!\w)(?:bed|bedding|duvet|mattress|sheets?|quilt|comforter|bedspread|headboard)(?!\w)"
)


@dataclass(frozen=True, slots=True)
class Attributes:
    """What a title says.

    values: by rule and dimension, each value and the words that said it first. words: all of its words,
    folded.
    """

    values: Values
    words: frozenset[str] = frozenset()

    @property
    def has_part(self) -> bool:
        """Whether the title names a part of a product."""
        return any(rule == "part" for rule, _ in self.values)


def _sizes(text: Text) -> Reading:
    yield from read_measures(text.folded, "size")
    for match in worn_pattern().finditer(text.unmeasured):  # "size: 50 ml" is no shoe
        words = match["named"] or match["scaled"] or match["alone"]
        system = f" {match['system']}" if match["system"] else ""
        yield f"worn{system}", _LETTER_SIZES.get(words, words), words.upper()
    if _BEDDING.search(text.folded):
        yield from _words(text, "bed")


def _capacities(text: Text) -> Reading:
    yield from read_measures(text.folded, "capacity")


def _colours(text: Text) -> Reading:
    yield from _words(text, "colour")


def _audiences(text: Text) -> Reading:
    yield from _words(text, "audience")


def _sides(text: Text) -> Reading:
    yield from _words(text, "side")


def _scents(text: Text) -> Reading:
    yield from _words(text, "scent")


def _words(text: Text, rule: str) -> Reading:
    words = words_of(rule)
    for match in words.every.finditer(text.folded):
        yield rule, words.value_of(match[0]), match[0]


def _languages(text: Text) -> Reading:
    languages = words_of("language")
    for match in _edition().finditer(text.folded):
        word = match[1] or match[2]
        yield "language", languages.value_of(word), word


@cache
def _edition() -> re.Pattern[str]:
    language, edition = words_of("language").every.pattern, any_of("edition_words")
    return re.compile(rf"({language})\s?(?:{edition})|(?:{edition})\s?({language})")


def _parts(text: Text) -> Reading:
    for match in _part().finditer(text.folded):
        yield (match[1] or match[2]), match[0], match[0]


@cache
def _part() -> re.Pattern[str]:
    return re.compile(rf"(?:{any_of('part_words')})\s+([^\W\d_]+)|([^\W\d_]+)\s+only(?!\w)")


def _packs(text: Text) -> Reading:
    yield from read_packs(text.folded)


NEEDSDIGIT = frozenset({"capacity", "pack", "model", "year", "generation", "suffix", "strength"})
"""Rules that read nothing from a title without a digit."""
READERS: Mapping[str, Callable[[Text], Reading]] = {
    "size": _sizes,
    "capacity": _capacities,
    "pack": _packs,
    "model": read_models,
    "colour": _colours,
    "number": read_numbers,
    "year": read_years,
    "generation": read_generations,
    "suffix": read_suffixes,
    "strength": read_strengths,
    "audience": _audiences,
    "side": _sides,
    "scent": _scents,
    "language": _languages,
    "part": _parts,
}
"""By rule."""


@lru_cache(CACHED_TITLES)
def read_attributes(text: str, rules: tuple[str, ...]) -> Attributes:
    """What a title, or another text, says; nothing of what it does not mention."""
    values: dict[tuple[str, str], dict[Value, str]] = {}
    read = Text.of(text)
    has_digit = DIGIT.search(read.folded) is not None
    for rule in rules:
        if not has_digit and rule in NEEDSDIGIT:
            continue
        for dimension, value, words in READERS[rule](read):
            values.setdefault((rule, dimension), {}).setdefault(value, words)
    return Attributes(values, frozenset(WORD.findall(read.folded)))
