"""Puts evidence into plain words, and marks the words in which titles differ."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from markupsafe import Markup, escape

from itemsearch.duplicates.pairs.words import differing_words

NEARLY_SAME_HASH = 4
"""The largest Hamming distance, in bits of 64, of the image hashes of pictures that look the same."""
PICTURES = ((0.85, "pictures look much alike"), (0.5, "pictures look somewhat alike"))
"""Least image similarities and their words. Of two random products' pictures, 1 in 100 is above 0.45."""
MOST_WORDS = 0.5
"""The least share of words that two titles share for "most"."""
CLAMPED = 75
"""The most characters of a title that a card shows whole: three lines of the narrowest."""
LATE_WORDS = 8


def evidence_in_words(pair: Mapping[str, Any], title: str, other: str) -> tuple[str, ...]:
    """Phrases for a row of `EVIDENCE_SCHEMA` of two listings with these titles; conflicts come first."""
    conflicts = [conflict.replace(":", " differs:", 1) for conflict in pair["conflicts"] or ()]
    doubt = [pair["doubt"]] if pair["doubt"] else []
    identifier = [f"the same {pair['same_identifier']}"] if pair["same_identifier"] else []
    return (*conflicts, *doubt, *identifier, _pictures(pair), _titles(pair, title, other))


def _pictures(pair: Mapping[str, Any]) -> str:
    if pair["same_image"]:
        return "same picture"
    if pair["image_hash_distance"] is not None and pair["image_hash_distance"] <= NEARLY_SAME_HASH:
        return "nearly the same picture"
    if pair["image_similarity"] is None:
        return "pictures not compared"
    return next(
        (words for least, words in PICTURES if pair["image_similarity"] >= least), "pictures look different"
    )


def _titles(pair: Mapping[str, Any], title: str, other: str) -> str:
    if not title or not other:
        return "a title is missing"
    only, other_only = set(pair["words_a"] or ()), set(pair["words_b"] or ())
    if not only and not other_only:
        return "same words in the titles"
    words = len(set(title.split()) | set(other.split()))
    shared = 1 - len(only | other_only) / words
    return "titles share most words" if shared >= MOST_WORDS else "titles share few words"


def mark_differences(title: str, others: Sequence[str]) -> Markup:
    """`title`, escaped, with the words that any of `others` lacks inside <mark>."""
    words: list[Markup] = []
    for word in title.split():
        differs = any(differing_words(word, other)[0] for other in others)
        words.append(Markup("<mark>{}</mark>").format(word) if differs else escape(word))
    return Markup(" ").join(words)


def late_differences(title: str, others: Sequence[str]) -> list[str]:
    """The first words that any of `others` lacks, of those that a folded title hides."""
    late = re.split(r"(?<=\S)\s+", title[CLAMPED:])
    hidden = late if title[CLAMPED - 1 : CLAMPED].isspace() else late[1:]
    return [word for word in hidden if any(differing_words(word, other)[0] for other in others)][:LATE_WORDS]


def isolated(words: str) -> Markup:
    """Words, escaped, with each value of "name differs: a / b" apart, so that Arabic or Hebrew ones stay in
    their places."""
    name, colon, values = words.partition(": ")
    if not colon or " / " not in values:
        return Markup("<bdi>{}</bdi>").format(words)
    apart = Markup(" / ").join(Markup("<bdi>{}</bdi>").format(value) for value in values.split(" / "))
    return Markup("<bdi>{}</bdi>: {}").format(name, apart)
