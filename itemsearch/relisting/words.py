"""Random edits of a title, as another seller's title might differ.

Colour names and words with digits (sizes, capacities, model numbers), in which similar products differ, are
never dropped or misspelt, though "black" may become "blk" and "64GB" may become "64 gb". Only the edit
"attributes" replaces the whole title, by the values of attribute columns.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

import numpy as np

from itemsearch.relisting.edits import apply_drawn
from itemsearch.relisting.vocabulary import ATTRIBUTE_ORDER, COLOURS, NOISE, SYNONYMS

_SYNONYM = re.compile(
    r"(?<![\w-])("
    + "|".join(re.escape(word) for word in sorted(SYNONYMS, key=len, reverse=True))
    + r")(?![\w-])",
    re.IGNORECASE,
)
_UNITS = "gb|tb|mb|ml|cl|l|kg|g|mg|cm|mm|m|inch|in|oz|mah|w|v|hz|pcs|pack|mp"
_JOINED_UNIT = re.compile(rf"(\d)({_UNITS})\b", re.IGNORECASE)
_SPACED_UNIT = re.compile(rf"(\d)\s+({_UNITS})\b", re.IGNORECASE)
_PUNCTUATION = re.compile(r"(?<!\d)[,;:|/()&-]+|[,;:|/()&-]+(?!\d)")

WordEdit = Callable[[str, np.random.Generator], str | None]


def reword(
    title: str, attributes: Mapping[str, str], rng: np.random.Generator, edits: int
) -> tuple[str, tuple[str, ...]]:
    """The title after `edits` different edits, and their names (of `EDIT_NAMES`) in the order applied.

    Fewer edits are made if no more apply. The result is empty only if `title` is.

    Args:
        attributes: column names ("category", "colour", "gender", "brand", ...) to values; may be empty.
    """
    if not title.strip():
        return title, ()

    def from_attributes(_: str, rng: np.random.Generator) -> str | None:
        return _describe(attributes, rng)

    def without_brand(title: str, _: np.random.Generator) -> str | None:
        return _without_brand(title, attributes.get("brand", ""))

    table: dict[str, WordEdit] = {"attributes": from_attributes, "no_brand": without_brand, **_PLAIN_EDITS}
    return apply_drawn(title, table, edits, rng)


def _describe(attributes: Mapping[str, str], rng: np.random.Generator) -> str | None:
    """The attributes' values as a title, such as "Men Black Casual Shoes"; None without any."""
    known = {name.lower(): value.strip() for name, value in attributes.items() if value.strip()}
    words = [known[name] for name in ATTRIBUTE_ORDER if name in known]
    if not words:
        return None
    if rng.random() < 0.25:
        rng.shuffle(words)
    return " ".join(dict.fromkeys(words))


def _without_brand(title: str, brand: str) -> str | None:
    """The title without the brand that it begins with; with an unknown brand, without its first word."""
    words = title.split()
    brand_words = brand.split() or words[:1]
    first_words = words[: len(brand_words)]
    begins_with_brand = [word.casefold() for word in first_words] == [word.casefold() for word in brand_words]
    leaves_too_little = len(words) < len(first_words) + 2
    if not begins_with_brand or leaves_too_little or (not brand and _is_distinctive(words[0])):
        return None
    return " ".join(words[len(first_words) :])


def _is_distinctive(word: str) -> bool:
    """Whether two products of one series may differ in this word alone."""
    return any(letter.isdigit() for letter in word) or word.strip(",.;:()").casefold() in COLOURS


def _drop_words(title: str, rng: np.random.Generator) -> str | None:
    words = title.split()
    droppable = [place for place, word in enumerate(words) if not _is_distinctive(word)]
    if len(words) < 4 or len(droppable) < 2:
        return None
    count = int(rng.integers(1, max(2, len(droppable) // 3 + 1)))
    dropped = set(rng.choice(droppable, size=count, replace=False).tolist())
    return " ".join(word for place, word in enumerate(words) if place not in dropped)


def _shuffle_words(title: str, rng: np.random.Generator) -> str | None:
    """Reorders words; a number stays behind the word before it, as in "size 42", and a unit behind that."""
    phrases = re.findall(r"\S+(?:\s+[\d.,]+(?:\s+(?:" + _UNITS + r")\b)?)?", title, re.IGNORECASE)
    if len(phrases) < 3:
        return None
    shuffled = [phrases[place].strip(",") for place in rng.permutation(len(phrases))]
    return _if_changed(title, " ".join(filter(None, shuffled)))


def _synonyms(title: str, rng: np.random.Generator) -> str | None:
    starts = [match.start() for match in _SYNONYM.finditer(title)]
    if not starts:
        return None
    chosen = set(rng.choice(starts, size=int(rng.integers(1, len(starts) + 1)), replace=False).tolist())

    def replacement(match: re.Match[str]) -> str:
        if match.start() not in chosen:
            return match[0]
        choices = SYNONYMS[match[0].lower()]
        word = choices[int(rng.integers(len(choices)))]
        return word[0].upper() + word[1:] if match[0][0].isupper() else word

    return _if_changed(title, _SYNONYM.sub(replacement, title))


def _add_noise(title: str, rng: np.random.Generator) -> str:
    noise = NOISE[int(rng.integers(len(NOISE)))]
    return f"{noise} {title}" if rng.random() < 0.5 else f"{title} {noise}"


def _typos(title: str, rng: np.random.Generator) -> str | None:
    """Swaps two letters, or drops one, in every eighth word or so; never the first letter."""
    words = title.split()
    eligible = [place for place, word in enumerate(words) if len(word) >= 4 and word.isalpha()]
    eligible = [place for place in eligible if not _is_distinctive(words[place])]
    if not eligible:
        return None
    for place in rng.choice(eligible, size=min(len(eligible), 1 + len(words) // 8), replace=False).tolist():
        word = words[place]
        at = int(rng.integers(1, len(word) - 1))
        swapped = word[:at] + word[at + 1] + word[at] + word[at + 2 :]
        dropped = word[:at] + word[at + 1 :]
        words[place] = swapped if rng.random() < 0.5 and swapped != word else dropped
    return " ".join(words)


def _change_case(title: str, rng: np.random.Generator) -> str | None:
    changed = {title.lower(), title.upper(), title.title()} - {title}
    return sorted(changed)[int(rng.integers(len(changed)))] if changed else None


def _change_spacing(title: str, rng: np.random.Generator) -> str | None:
    """Splits or joins numbers and units ("64GB", "64 gb"), or drops punctuation."""
    changed = {
        _JOINED_UNIT.sub(lambda match: f"{match[1]} {match[2].lower()}", title),
        _SPACED_UNIT.sub(r"\1\2", title),
        " ".join(_PUNCTUATION.sub(" ", title).split()),
    } - {title, ""}
    return sorted(changed)[int(rng.integers(len(changed)))] if changed else None


def _if_changed(before: str, after: str) -> str | None:
    return after if after != before else None


_PLAIN_EDITS: dict[str, WordEdit] = {
    "dropped_words": _drop_words,
    "synonyms": _synonyms,
    "typos": _typos,
    "shuffled": _shuffle_words,
    "spacing": _change_spacing,
    "noise": _add_noise,
    "case": _change_case,
}

EDIT_NAMES: tuple[str, ...] = ("attributes", "no_brand", *_PLAIN_EDITS)
