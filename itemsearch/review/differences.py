"""Compares the carried columns of listings: in which they differ, and in which they are equal."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pyarrow as pa

from itemsearch.review.cards import SELLER_COLUMNS, ListingCard

FIRST = ("price", "size", *SELLER_COLUMNS, "gtin", "ean", "upc", "isbn", "mpn", "model", "modelno")
"""Names of columns that people look at first, in order."""
OWN = frozenset(
    {
        *("thumbnail", "content_hash", "has_title", "has_image"),
        *("other_pictures", "image_number", "image_name", "image_problem"),
    }
)
"""Columns of an index that no catalog has."""


@dataclass(frozen=True, slots=True)
class Differences:
    """differing: names of columns. equal: names and their one value. cells: id to the values of the differing
    columns, "" where there is none. Columns that are empty for all are in neither."""

    differing: tuple[str, ...]
    equal: tuple[tuple[str, str], ...]
    cells: Mapping[str, tuple[str, ...]]


@dataclass(frozen=True, slots=True)
class Comparer:
    """Reads the columns that a catalog carries, those of `FIRST` first."""

    carried: pa.Table

    @classmethod
    def of(cls, listings: pa.Table) -> Comparer:
        """The comparer of an index's listings."""
        names = [name for name in listings.column_names if name not in OWN and name not in ("id", "title")]
        places = {name: place for place, name in enumerate(FIRST)}
        names.sort(key=lambda name: places.get(name.casefold(), len(places)))
        return cls(listings.select(names))

    def compare(self, cards: Sequence[ListingCard]) -> Differences:
        """The columns of one or more listings."""
        rows = pa.array([card.row for card in cards])
        texts = {
            name: ["" if cell is None else str(cell) for cell in self.carried[name].take(rows).to_pylist()]
            for name in self.carried.column_names
        }
        differing = tuple(name for name, cells in texts.items() if len(set(cells)) > 1)
        equal = tuple((name, cells[0]) for name, cells in texts.items() if name not in differing and cells[0])
        columns = zip(*(texts[name] for name in differing), strict=True) if differing else ((),) * len(cards)
        return Differences(
            differing, equal, {card.id: values for card, values in zip(cards, columns, strict=True)}
        )
