"""The words of `vocabulary.toml` as regular expressions over folded text."""

from __future__ import annotations

import re
import tomllib
import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

_FILE = Path(__file__).parent / "vocabulary.toml"
_INFLECTION = r"\w{0,4}"


def fold(text: str) -> str:
    """Text whose case, accents and character widths do not count: "Weiß" and "WEISS" are both "weiss"."""
    if text.isascii():
        return text.lower()
    decomposed = unicodedata.normalize("NFKD", text.casefold())
    plain = "".join(char for char in decomposed if not unicodedata.combining(char))
    return plain.replace("\u0142", "l")  # the Polish l with stroke has no decomposition


def is_spaceless(word: str) -> bool:
    """Whether a word is of a script that writes no spaces: Chinese and Japanese."""
    return any("\u3040" <= char <= "\u30ff" or "\u4e00" <= char <= "\u9fff" for char in word)


def pattern_of(words: Iterable[str]) -> str:
    """A pattern without groups that matches any of the words; `word*` matches its inflections."""
    spaced: list[str] = []
    spaceless: list[str] = []
    for word in sorted(map(fold, words), key=len, reverse=True):
        stem = word.removesuffix("*")
        text = re.escape(stem) + (_INFLECTION if word.endswith("*") else "")
        (spaceless if is_spaceless(word) else spaced).append(text)
    parts = [rf"(?<!\w)(?:{'|'.join(spaced)})(?!\w)"] if spaced else []
    return "|".join([*parts, *spaceless])


@dataclass(frozen=True, slots=True)
class Words:
    """The words of one rule: a pattern of all, and the pattern of each value."""

    every: re.Pattern[str]
    by_value: Mapping[str, re.Pattern[str]]

    def value_of(self, word: str) -> str:
        """The value that a match of `every` stands for."""
        return next(value for value, pattern in self.by_value.items() if pattern.fullmatch(word))


@dataclass(frozen=True, slots=True)
class Unit:
    """A unit's dimension, and its size in the dimension's first unit."""

    dimension: str
    factor: float


@cache
def words_of(rule: str) -> Words:
    """The words of a table of `vocabulary.toml`."""
    table = _tables()[rule]
    patterns = {value: pattern_of(words.split()) for value, words in table.items()}
    every = pattern_of([word for words in table.values() for word in words.split()])
    return Words(re.compile(every), {value: re.compile(text) for value, text in patterns.items()})


@cache
def any_of(table: str) -> str:
    """The pattern of a table that has one value."""
    return pattern_of(_tables()[table]["any"].split())


@cache
def units() -> Mapping[str, Unit]:
    """Every unit by its folded name; `name*` stands for inflections."""
    return {
        fold(name): Unit(dimension, float(factor))
        for dimension, by_factor in _tables()["units"].items()
        for factor, names in by_factor.items()
        for name in names.split()
    }


@cache
def _tables() -> Mapping[str, Mapping[str, Any]]:
    return tomllib.loads(_FILE.read_text("utf-8"))
