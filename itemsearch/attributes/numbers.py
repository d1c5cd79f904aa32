"""Reads the numbers of a title that name a product: models, generations, years, strengths."""

from __future__ import annotations

import re
from functools import cache

from itemsearch.attributes.measures import measure_pattern
from itemsearch.attributes.packs import PACK
from itemsearch.attributes.text import WORD, Reading, Text, worn_pattern
from itemsearch.attributes.vocabulary import any_of

_YEAR = re.compile(r"(?<![\w.,])(?:19[5-9]\d|20[0-4]\d)(?![\w.,]\w|\w)")
_STRENGTH = re.compile(r"(?<![\w.,])[+-]\d{1,2}[.,]\d{1,2}(?!\w)")
_SHARE = re.compile(r"(?<![\w.,])\d{1,2}(?:[.,]\d+)?\s?%")
_ORDINAL = re.compile(r"(?<!\w)(\d{1,2})(?:st|nd|rd|th)\s+([^\W\d_]+)")
_MARK = re.compile(r"(?<!\w)mk\s?(\d{1,2})(?!\w)")


def read_strengths(text: Text) -> Reading:
    """Dioptres, as in "+1.50", and percentages."""
    for match in _STRENGTH.finditer(text.raw):
        yield "dioptres", float(match[0].replace(",", ".")), match[0]
    for match in _SHARE.finditer(text.raw):
        yield "share", float(match[0].rstrip("% ").replace(",", ".")), match[0]


def read_years(text: Text) -> Reading:
    """Years from 1950 to 2049."""
    for match in _YEAR.finditer(text.unmeasured):
        yield "year", match[0], match[0]


def read_generations(text: Text) -> Reading:
    """Generations, as in "3rd generation" and "mk7", and other ordinals by the word behind them."""
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


_MODEL = re.compile(r"[^\W_]+(?:[-/.][^\W_]+)*")
_LETTER_THEN_DIGIT = re.compile(r"[^\W\d].*\d")
LEAST_MODEL = 2
MOST_SERIES = 4
"""A shorter name, as in "neff n70 ka3923i20g", is no number of an article."""


def read_models(text: Text) -> Reading:
    """Tokens in which a digit follows a letter; numbers with a unit, sizes and packs are none."""
    plain = PACK.sub(" ", worn_pattern().sub(" ", measure_pattern().sub(" ", text.raw)))
    for match in _MODEL.finditer(plain):
        token = "".join(WORD.findall(match[0].lower()))
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


def read_numbers(text: Text) -> Reading:
    """Numbers by the word before them, as in "iPhone 11"; and one that ends the title, as that of a shade."""
    plain = _YEAR.sub(" ", PACK.sub(" ", worn_pattern().sub(" ", text.unmeasured)))
    plain = _generation().sub(" ", _STRENGTH.sub(" ", plain))
    for match in _NUMBERS.finditer(plain):
        for number in filter(None, _BETWEEN.split(match["numbers"])):
            yield match["before"], _ROMAN.get(number) or _plain(number), number
    if last := _LAST_NUMBER.search(plain):
        yield "last", _plain(last[0]), last[0]


def _plain(number: str) -> str:
    """One spelling of a number that is a name, so that 500 is not nearly 505."""
    return f"{float(number.replace(',', '.')):g}"


def read_suffixes(text: Text) -> Reading:
    """What stands behind a model's number: "13 Pro Max"; nothing is a suffix too."""
    for match in _suffix().finditer(text.unmeasured.replace("+", " plus ")):
        suffix = " ".join(match["suffix"].split())
        yield match["model"], suffix, f"{match['model']} {suffix}".strip()


@cache
def _suffix() -> re.Pattern[str]:
    return re.compile(
        rf"(?<![\w.,])(?P<model>[^\W\d_]{{0,3}}\d{{1,4}})(?![\w.,]\w|\w)(?P<suffix>(?:\s+(?:{any_of('suffix_words')})(?!\s+hd))*)"
    )
