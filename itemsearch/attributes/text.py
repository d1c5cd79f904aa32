"""A title as the readers of attributes take it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Self

from itemsearch.attributes.measures import without_measures
from itemsearch.attributes.vocabulary import any_of, fold

Value = float | str
"""An amount in its dimension's first unit, or a word in one spelling."""
Values = Mapping[tuple[str, str], Mapping[Value, str]]
"""By rule and dimension: each value, and the words that said it first."""
Reading = Iterator[tuple[str, Value, str]]
DIGIT = re.compile(r"\d")
WORD = re.compile(r"[^\W_]+")


@dataclass(frozen=True, slots=True)
class Text:
    """A title as readers want it. folded: without case and accents. unmeasured: that without measures."""

    raw: str
    folded: str
    unmeasured: str

    @classmethod
    def of(cls, raw: str) -> Self:
        folded = fold(raw)
        return cls(raw, folded, without_measures(folded) if DIGIT.search(folded) else folded)


@cache
def worn_pattern() -> re.Pattern[str]:
    """A size of clothes or shoes."""
    return re.compile(
        rf"(?:{any_of('size_words')})[\s:.-]*"
        r"(?P<named>\d{1,3}(?:[.,]5)?|x{0,4}[sml]|\dx[sl]|small|medium|large)(?!\w)"
        r"|\b(?P<system>uk|eu|us)[\s-]?(?P<scaled>\d{1,2}(?:[.,]5)?)(?!\w)"
        r"|(?<![\w'&-])(?P<alone>x{1,4}[sl]|[2-6]x[sl])(?![\w'&-])"
    )
