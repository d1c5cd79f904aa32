"""Writes each title in one spelling, and tells what is no title.

    written                             folded
    Artist&#39;s Case &amp; Brushes      Artist's Case & Brushes
    <b>Steel</b> bottle<br>500&nbsp;ml  Steel bottle 500 ml
    "bottle" in full-width letters      bottle
    "steel" with a Cyrillic "e"         steel

Case, accents, punctuation, fractions and raised digits stay as they are: they are text, not spelling.
"""

from __future__ import annotations

import html
import re
import unicodedata

FOLDING_VERSION = "1"
"""Raised when `fold_title` or `is_no_title` begin to give something else for any title."""

_words = str.split

_MOST_PASSES = 4
"""How often a title is folded again: "&amp;amp;eacute;" needs three passes, a hostile one could need many."""

_ENTITY = re.compile(r"&(?:#[0-9]{1,7}|#[xX][0-9a-fA-F]{1,6}|[A-Za-z][A-Za-z0-9]{1,31});")
_TAG = re.compile(r"<!--[^<>]*-->|<(/?)([a-z][a-z0-9]{0,9})(?:\s[^<>]*|/)?>", re.IGNORECASE)
_CLOSING_TAG = re.compile(r"</([a-z][a-z0-9]{0,9})>")
_TAGS_IN_WORDS = frozenset(
    _words("a abbr b big code del em font i ins label mark q s small span strike strong sub sup tt u wbr")
)
_TAGS_BETWEEN_WORDS = frozenset(
    _words(
        "address article blockquote body br center dd div dl dt footer h1 h2 h3 h4 h5 h6 head header hr html "
        "img li link meta ol p pre script section style table tbody td th thead title tr ul"
    )
)
_TAGS_IF_CLOSED = frozenset(
    _words("a b big center code i label link mark q s section small style table title u")
)
"""Tags that could be sizes, models or words, "<S>" or "<small>": they are tags only beside a "</s>"."""

_ZERO_WIDTH_SPACE = "\u200b"
_INVISIBLE = frozenset("\u034f\u115f\u1160\u180b\u180c\u180d\u3164\uffa0")
_SPELLINGS_OF_CHARACTERS = frozenset(
    _words(
        "<wide> <narrow> <noBreak> <font> <small> <square> <vertical> <isolated> <initial> <medial> <final>"
    )
)
"""Compatibility decompositions (Unicode Standard Annex 15) that write the same text. The others do not:
"10½" would become "101⁄2"."""

_CYRILLIC_AND_GREEK = re.compile("[\u0370-\u052f]")
_LETTERS = re.compile(r"[^\W\d_]+")
_LATIN_LETTER = re.compile("[A-Za-z]")
# ruff: noqa: RUF001 (letters that look alike are the matter here)
_LATIN_OF_CYRILLIC = dict(zip("АВЕЅІЈКМНОРСТУХаеѕіјорсухԁԛԝ", "ABESIJKMHOPCTYXaesijopcyxdqw", strict=True))
_LATIN_OF_GREEK = dict(zip("ΑΒΕΖΗΙΚΜΝΟΡΤΥΧο", "ABEZHIKMNOPTYXo", strict=True))
_TO_LATIN = str.maketrans({**_LATIN_OF_CYRILLIC, **_LATIN_OF_GREEK})
_TO_CYRILLIC = str.maketrans({latin: cyrillic for cyrillic, latin in _LATIN_OF_CYRILLIC.items()})
_CYRILLIC_WORD = re.compile("[\u0400-\u052f]+")

_CONTROL_BUT_SPACES = re.compile(r"[\x00-\x08\x0e-\x1b\x7f-\x84\x86-\x9f]")
_SEPARATORS = re.compile(r"[\W_]+")
_NO_TITLES = frozenset(
    _words(
        # what programs write for a missing value
        "nan none null nil na nat undefined unknown notavailable notapplicable "
        "doesnotapply objectobject tbd tba tbc todo "
        # what shop systems and their users write before there is a title
        "untitled notitle default defaulttitle producttitle productname newproduct test "
        "testproduct producttest sampleproduct loremipsum "
        "ohnetitel sanstitre sintitulo senzatitolo semtitulo "
        "безназвания 未命名 無題"
    )
)


def fold_title(text: str) -> str:
    """Writes a title in one spelling: without HTML entities and tags, invisible characters, full-width and
    other forms of one character, and letters of another script that only look right.

    Stores hash and models embed the folded title, of listings and of queries alike. `FOLDING_VERSION` is part
    of every model's fingerprint, so that no query is folded otherwise than the titles it is compared with.
    """
    folded = clean_text(text)
    if folded.isascii() and "&" not in folded and "<" not in folded:
        return folded
    for _ in range(_MOST_PASSES):
        before, folded = folded, _fold_once(folded)
        if folded == before:
            break
    return folded


def is_no_title(title: str) -> bool:
    """Whether a folded title says that there is none: "nan", "N/A", "-", "Default Title", whatever its case,
    white space and punctuation. An empty one is missing already: False."""
    words = _SEPARATORS.sub("", title)
    return bool(title) and (not words or words.casefold() in _NO_TITLES)


def clean_text(text: str) -> str:
    """Removes control characters and outer white space; makes every other run of white space one space."""
    return " ".join(_CONTROL_BUT_SPACES.sub("", text).split())


def _fold_once(text: str) -> str:
    if "&" in text:
        text = _ENTITY.sub(lambda entity: html.unescape(entity[0]), text)
    if "<" in text:
        closed = frozenset(_CLOSING_TAG.findall(text.lower()))
        text = _TAG.sub(lambda tag: _without_tag(tag, closed), text)
    if not text.isascii():
        text = unicodedata.normalize("NFC", text.translate(_SPELLINGS))
        if _CYRILLIC_AND_GREEK.search(text):
            text = _LETTERS.sub(_in_one_script, text)
    return clean_text(text)


def _without_tag(tag: re.Match[str], closed: frozenset[str]) -> str:
    """What stands for a tag; for what is none, itself. closed: the names of the title's closing tags."""
    name = (tag[2] or "").lower()
    if name in _TAGS_IF_CLOSED and name not in closed:
        return tag[0]
    if not name or name in _TAGS_IN_WORDS:
        return ""
    return " " if name in _TAGS_BETWEEN_WORDS else tag[0]


class _Spellings(dict[int, str]):
    """What is written for each character, by its number; filled as characters are met."""

    def __missing__(self, number: int) -> str:
        self[number] = spelling = _spell(chr(number))
        return spelling


def _spell(char: str) -> str:
    if char == _ZERO_WIDTH_SPACE:
        return " "
    if unicodedata.category(char) == "Cf" or char in _INVISIBLE or _is_variation_selector(char):
        return ""
    kind, _, _ = unicodedata.decomposition(char).partition(" ")
    plain = unicodedata.normalize("NFKC", char)
    if kind in _SPELLINGS_OF_CHARACTERS or (kind == "<compat>" and plain.isalpha()):  # a ligature
        return plain
    return char


def _is_variation_selector(char: str) -> bool:
    return "\ufe00" <= char <= "\ufe0f" or "\U000e0100" <= char <= "\U000e01ef"


def _in_one_script(letters: re.Match[str]) -> str:
    """A run of letters of two scripts in one of them, where its other letters have look-alikes there."""
    word = letters[0]
    if not _LATIN_LETTER.search(word) or not _CYRILLIC_AND_GREEK.search(word):
        return word
    latin = word.translate(_TO_LATIN)
    if not _CYRILLIC_AND_GREEK.search(latin):
        return latin
    cyrillic = word.translate(_TO_CYRILLIC)
    return cyrillic if _CYRILLIC_WORD.fullmatch(cyrillic) else word


_SPELLINGS = _Spellings()
