"""Reword a title as another seller would.

What tells a product from its siblings stays: colour names and words with digits (sizes, capacities,
model numbers) are never dropped nor misspelt, though "black" may become "blk" and "64GB" "64 gb".
Only the edit `attributes` forgets the title altogether, and it then names the colour it was given.
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
    """Return `title` after `edits` different edits, and their names in the order applied.

    `attributes` maps column names ("category", "colour", "gender", "brand", ...) to values; it may be
    empty. Fewer edits are made when no more apply. The result is empty only when `title` is.
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
    """ "Men Black Casual Shoes": what a seller types who looks at the product and not at its label."""
    known = {name.lower(): value.strip() for name, value in attributes.items() if value.strip()}
    words = [known[name] for name in ATTRIBUTE_ORDER if name in known]
    if not words:
        return None
    if rng.random() < 0.25:
        rng.shuffle(words)
    return " ".join(dict.fromkeys(words))


def _without_brand(title: str, brand: str) -> str | None:
    words = title.split()
    brand_words = brand.split() or words[:1]
    head = words[: len(brand_words)]
    named_first = [word.casefold() for word in head] == [word.casefold() for word in brand_words]
    if not named_first or len(words) < len(head) + 2 or (not brand and _tells_apart(words[0])):
        return None
    return " ".join(words[len(head) :])


def _tells_apart(word: str) -> bool:
    """Whether siblings of one series may differ in this word alone."""
    return any(letter.isdigit() for letter in word) or word.strip(",.;:()").casefold() in COLOURS


def _drop_words(title: str, rng: np.random.Generator) -> str | None:
    words = title.split()
    droppable = [place for place, word in enumerate(words) if not _tells_apart(word)]
    if len(words) < 4 or len(droppable) < 2:
        return None
    count = int(rng.integers(1, max(2, len(droppable) // 3 + 1)))
    dropped = set(rng.choice(droppable, size=count, replace=False).tolist())
    return " ".join(word for place, word in enumerate(words) if place not in dropped)


def _shuffle_words(title: str, rng: np.random.Generator) -> str | None:
    """Numbers stay behind the word before them, so that "size 42" and "350 ml" keep their sense."""
    groups = re.findall(r"\S+(?:\s+[\d.,]+(?:\s+(?:" + _UNITS + r")\b)?)?", title, re.IGNORECASE)
    if len(groups) < 3:
        return None
    shuffled = [groups[place].strip(",") for place in rng.permutation(len(groups))]
    return _if_changed(title, " ".join(filter(None, shuffled)))


def _synonyms(title: str, rng: np.random.Generator) -> str | None:
    places = [match.start() for match in _SYNONYM.finditer(title)]
    if not places:
        return None
    kept = set(rng.choice(places, size=int(rng.integers(1, len(places) + 1)), replace=False).tolist())

    def swap(match: re.Match[str]) -> str:
        if match.start() not in kept:
            return match[0]
        choices = SYNONYMS[match[0].lower()]
        word = choices[int(rng.integers(len(choices)))]
        return word[0].upper() + word[1:] if match[0][0].isupper() else word

    return _if_changed(title, _SYNONYM.sub(swap, title))


def _add_noise(title: str, rng: np.random.Generator) -> str:
    noise = NOISE[int(rng.integers(len(NOISE)))]
    return f"{noise} {title}" if rng.random() < 0.5 else f"{title} {noise}"


def _typos(title: str, rng: np.random.Generator) -> str | None:
    words = title.split()
    long = [place for place, word in enumerate(words) if len(word) >= 4 and word.isalpha()]
    long = [place for place in long if not _tells_apart(words[place])]
    if not long:
        return None
    for place in rng.choice(long, size=min(len(long), 1 + len(words) // 8), replace=False).tolist():
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
