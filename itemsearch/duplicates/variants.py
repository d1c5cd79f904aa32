"""The variant guard: two listings that differ in size, capacity, pack, model or colour are no duplicates."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pyarrow as pa

from itemsearch.duplicates.attributes import READERS, Value, Values, read_attributes
from itemsearch.errors import UsageError

RULES = tuple(READERS)
COLUMN_RULES = {"size": "size", "colour": "colour", "color": "colour"}
"""Catalog columns that are read, where there are any, as if their text were part of the title."""
AMOUNTS = ("size", "capacity")
ROUNDED = 0.02
"""Amounts so near, as a share, are one: 12 oz is 355 ml."""


@dataclass(frozen=True, slots=True)
class Guard:
    """What counts as a conflict. rules: of `RULES`. columns: of the catalog, compared by themselves."""

    rules: tuple[str, ...] = RULES
    columns: tuple[str, ...] = ()

    @classmethod
    def without(cls, ignored: list[str], columns: list[str]) -> Guard:
        """Every rule but those `ignored`, and the columns named.

        Raises:
            UsageError: no such rule.
        """
        for rule in ignored:
            if rule not in RULES:
                raise UsageError(f"no variant rule {rule!r}; the rules are {', '.join(RULES)}")
        return cls(tuple(rule for rule in RULES if rule not in ignored), tuple(columns))


@dataclass(frozen=True, slots=True)
class ListingReader:
    """Reads what products say of themselves, by row of the index."""

    guard: Guard
    products: pa.Table

    @classmethod
    def of(cls, guard: Guard, products: pa.Table) -> ListingReader:
        """
        Raises:
            UsageError: a column that is not there.
        """
        for column in guard.columns:
            if column not in products.column_names:
                present = ", ".join(map(repr, products.column_names))
                raise UsageError(f"no column {column!r} to tell variants by; the columns are {present}")
        return cls(guard, products)

    def read(self, rows: list[int]) -> list[Values]:
        """What each product's title and columns say."""
        names = [name for name in self.products.column_names if name == "title" or name in self._told()]
        taken = self.products.select(names).take(pa.array(rows, pa.int64())).to_pylist()
        return [self._values(cells) for cells in taken]

    def _told(self) -> set[str]:
        """The columns that say something beside the title."""
        by_rule = {name for name in self.products.column_names if self._rule_of(name)}
        return by_rule | set(self.guard.columns)

    def _rule_of(self, column: str) -> str:
        rule = COLUMN_RULES.get(column.casefold(), "")
        return rule if rule in self.guard.rules and column not in self.guard.columns else ""

    def _values(self, cells: Mapping[str, Any]) -> Values:
        found = {k: dict(v) for k, v in read_attributes(cells.get("title") or "", self.guard.rules).items()}
        for column, cell in cells.items():
            text = "" if cell is None else str(cell).strip()
            if column in self.guard.columns and text:
                amounts = read_attributes(text, AMOUNTS)
                plain = {("", ""): {" ".join(text.casefold().split()): text}}
                found |= {(column, key[1]): dict(said) for key, said in (amounts or plain).items()}
            elif rule := self._rule_of(column):
                said = f"size {text}" if rule == "size" else text  # "M" alone is a size in this column
                for key, values in read_attributes(said, (rule,)).items():
                    found[key] = {**values, **found.get(key, {})}
        return found


def find_conflicts(a: Values, b: Values) -> list[str]:
    """Such as "size: 500 ml / 1 l", for each dimension of which both speak and each says what the other does not.

    A side that says nothing conflicts with nothing, nor does one that says less: "black" fits "black and red".
    Of models, of which a title may name many, one in common is enough.
    """
    found = []
    for key in a.keys() & b.keys():
        alike = _model_in if key[0] == "model" else _same
        only_a = [words for value, words in a[key].items() if not any(alike(value, o) for o in b[key])]
        only_b = [words for value, words in b[key].items() if not any(alike(value, o) for o in a[key])]
        shared = len(only_a) < len(a[key]) or len(only_b) < len(b[key])
        if only_a and only_b and not (key[0] == "model" and shared):
            found.append(f"{key[0]}: {', '.join(only_a)} / {', '.join(only_b)}")
    return sorted(found)


def _same(one: Value, other: Value) -> bool:
    if isinstance(one, float) and isinstance(other, float):
        return abs(one - other) <= ROUNDED * max(one, other)
    return one == other


def _model_in(one: Value, other: Value) -> bool:
    """Sellers add and drop the ends of model numbers: a region, a colour."""
    return str(one) in str(other) or str(other) in str(one)
