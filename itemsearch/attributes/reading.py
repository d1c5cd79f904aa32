"""Reads what a title says of size, capacity, pack, model, colour and such, in values that can be compared.

A reader yields (dimension, value, words): "2 x 500 ml" says ("volume", 500.0, "500 ml").
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache, lru_cache
from typing import Self

from itemsearch.attributes.measures import measure_pattern, read_measures, without_measures
from itemsearch.attributes.packs import PACK, read_packs
from itemsearch.attributes.vocabulary import any_of, fold, words_of

Value = float | str
"""An amount in its dimension's first unit, or a word in one spelling."""
Reading = Iterator[tuple[str, Value, str]]
CACHED_TITLES = 100_000

_DIGIT = re.compile(r"\d")
_WORD = re.compile(r"[^\W_]+")
_LETTER_SIZES = {
    "small": "s",
    "medium": "m",
    "large": "l",
    "xxs": "2xs",
    "xxl": "2xl",
    "xxxl": "3xl",
    "xxxxl": "4xl",
}
_YEAR = re.compile(r"(?<![\w.,])(?:19[5-9]\d|20[0-4]\d)(?![\w.,]\w|\w)")
_STRENGTH = re.compile(r"(?<![\w.,])[+-]\d{1,2}[.,]\d{1,2}(?!\w)")
_SHARE = re.compile(r"(?<![\w.,])\d{1,2}(?:[.,]\d+)?\s?%")
_ORDINAL = re.compile(r"(?<!\w)(\d{1,2})(?:st|nd|rd|th)\s+([^\W\d_]+)")
_MARK = re.compile(r"(?<!\w)mk\s?(\d{1,2})(?!\w)")
_BEDDING = re.compile(
    r"(?<!\w)(?:bed|bedding|duvet|mattress|sheets?|quilt|comforter|bedspread|headboard)(?!\w)"
)


@dataclass(frozen=True, slots=True)
class Attributes:
    """What a title says.

    values: by rule and dimension, each value and the words that said it first. words: all of its words,
    folded.
    """

    values: Mapping[tuple[str, str], Mapping[Value, str]]
    words: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Text:
    """A title as readers want it. folded: without case and accents. unmeasured: that without measures."""

    raw: str
    folded: str
    unmeasured: str

    @classmethod
    def of(cls, raw: str) -> Self:
        folded = fold(raw)
        return cls(raw, folded, without_measures(folded) if _DIGIT.search(folded) else folded)


def _sizes(text: Text) -> Reading:
    yield from read_measures(text.folded, "size")
    for match in _worn().finditer(text.unmeasured):  # "size: 50 ml" is no shoe
        words = match["named"] or match["scaled"] or match["alone"]
        system = f" {match['system']}" if match["system"] else ""
        yield f"worn{system}", _LETTER_SIZES.get(words, words), words.upper()
    if _BEDDING.search(text.folded):
        yield from _words(text, "bed")


@cache
def _worn() -> re.Pattern[str]:
    return re.compile(
        rf"(?:{any_of('size_words')})[\s:.-]*"
        r"(?P<named>\d{1,3}(?:[.,]5)?|x{0,4}[sml]|\dx[sl]|small|medium|large)(?!\w)"
        r"|\b(?P<system>uk|eu|us)[\s-]?(?P<scaled>\d{1,2}(?:[.,]5)?)(?!\w)"
        r"|(?<![\w'&-])(?P<alone>x{1,4}[sl]|[2-6]x[sl])(?![\w'&-])"
    )


def _capacities(text: Text) -> Reading:
    yield from read_measures(text.folded, "capacity")


def _strengths(text: Text) -> Reading:
    for match in _STRENGTH.finditer(text.raw):
        yield "dioptres", float(match[0].replace(",", ".")), match[0]
    for match in _SHARE.finditer(text.raw):
        yield "share", float(match[0].rstrip("% ").replace(",", ".")), match[0]


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


def _years(text: Text) -> Reading:
    for match in _YEAR.finditer(text.unmeasured):
        yield "year", match[0], match[0]


def _generations(text: Text) -> Reading:
    folded = text.folded
    for match in _generation().finditer(folded):
        yield "generation", float(match[1] or match[2]), match[0]
    for match in _MARK.finditer(folded):
        yield "generation", float(match[1]), match[0]
    for match in _ORDINAL.finditer(_generation().sub(" ", folded)):
        yield match[2], float(match[1]), match[0]


@cache
def _generation() -> re.Pattern[str]:
    words = any_of("generation_words")
    ends = r"(?:st|nd|rd|th|er|eme|e|a|o|\.|-?\u0439|-?\u0435)?"
    return re.compile(rf"(?<!\w)(\d{{1,2}}){ends}\s?(?:{words})|(?:{words})\s?(\d{{1,2}})(?!\w)")


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


_MODEL = re.compile(r"[^\W_]+(?:[-/.][^\W_]+)*")
_LETTER_THEN_DIGIT = re.compile(r"[^\W\d].*\d")
LEAST_MODEL = 2
MOST_SERIES = 4
"""A shorter name, as in "neff n70 ka3923i20g", is no number of an article."""


def _models(text: Text) -> Reading:
    """Tokens in which a digit follows a letter; numbers with a unit, sizes and packs are none."""
    plain = PACK.sub(" ", _worn().sub(" ", measure_pattern().sub(" ", text.raw)))
    for match in _MODEL.finditer(plain):
        token = "".join(_WORD.findall(match[0].lower()))
        if len(token) >= LEAST_MODEL and token.isascii() and _LETTER_THEN_DIGIT.search(token):
            number = token.replace("o", "0")  # sellers mistake the one for the other
            yield ("series" if len(token) <= MOST_SERIES else "number"), number, match[0]


_ROMAN = {"ii": "2", "iii": "3", "iv": "4", "vi": "6", "vii": "7", "viii": "8", "ix": "9"}
_ONE_NUMBER = rf"(?:\d{{1,5}}(?:[.,]\d{{1,2}})?|{'|'.join(_ROMAN)})(?![\w%]|[.,]\d)"
_NUMBERS = re.compile(
    rf"(?P<before>[^\W\d_]{{2,}})[\s:#-]+(?P<numbers>{_ONE_NUMBER}(?:[\s,/&]+{_ONE_NUMBER})*)"
)
_BETWEEN = re.compile(r"[\s/&]+|,\s")
_LAST_NUMBER = re.compile(r"(?<=\s)\d{2,5}(?=\s*$)")


def _numbers(text: Text) -> Reading:
    """Numbers by the word before them, as in "iPhone 11"; and one that ends the title, as that of a shade."""
    plain = _YEAR.sub(" ", PACK.sub(" ", _worn().sub(" ", text.unmeasured)))
    plain = _generation().sub(" ", _STRENGTH.sub(" ", plain))
    for match in _NUMBERS.finditer(plain):
        for number in filter(None, _BETWEEN.split(match["numbers"])):
            yield match["before"], _ROMAN.get(number) or _plain(number), number
    if last := _LAST_NUMBER.search(plain):
        yield "last", _plain(last[0]), last[0]


def _plain(number: str) -> str:
    """One spelling of a number that is a name, so that 500 is not nearly 505."""
    return f"{float(number.replace(',', '.')):g}"


def _suffixes(text: Text) -> Reading:
    """What stands behind a model's number: "13 Pro Max"; nothing is a suffix too."""
    for match in _suffix().finditer(text.unmeasured.replace("+", " plus ")):
        suffix = " ".join(match["suffix"].split())
        yield match["model"], suffix, f"{match['model']} {suffix}".strip()


@cache
def _suffix() -> re.Pattern[str]:
    return re.compile(
        rf"(?<![\w.,])(?P<model>[^\W\d_]{{0,3}}\d{{1,4}})(?![\w.,]\w|\w)(?P<suffix>(?:\s+(?:{any_of('suffix_words')})(?!\s+hd))*)"
    )


def _packs(text: Text) -> Reading:
    yield from read_packs(text.folded)


NEEDS_DIGIT = frozenset({"capacity", "pack", "model", "year", "generation", "suffix", "strength"})
"""Rules that read nothing from a title without a digit."""
READERS: Mapping[str, Callable[[Text], Reading]] = {
    "size": _sizes,
    "capacity": _capacities,
    "pack": _packs,
    "model": _models,
    "colour": _colours,
    "number": _numbers,
    "year": _years,
    "generation": _generations,
    "suffix": _suffixes,
    "strength": _strengths,
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
    has_digit = _DIGIT.search(read.folded) is not None
    for rule in rules:
        if not has_digit and rule in NEEDS_DIGIT:
            continue
        for dimension, value, words in READERS[rule](read):
            values.setdefault((rule, dimension), {}).setdefault(value, words)
    return Attributes(values, frozenset(_WORD.findall(read.folded)))
