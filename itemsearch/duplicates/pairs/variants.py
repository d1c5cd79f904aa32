"""The variant guard: two listings that differ in size, capacity, pack, model or colour are no duplicates."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pyarrow as pa

from itemsearch.columns import no_column
from itemsearch.duplicates.pairs.attributes import READERS, Value, Values, read_attributes
from itemsearch.errors import UsageError

RULES = tuple(READERS)
COLUMN_RULES = {"size": "size", "colour": "colour", "color": "colour"}
"""Catalog columns that are read, where there are any, as if their text were part of the title."""
AMOUNTS = ("size", "capacity")
ROUNDED = 0.02
"""Amounts so near, as a share, are one: 12 oz is 355 ml."""


@dataclass(frozen=True, slots=True)
class VariantRules:
    """What counts as a conflict. rules: of `RULES`. columns: of the catalog, compared by themselves."""

    rules: tuple[str, ...] = RULES
    columns: tuple[str, ...] = ()

    @classmethod
    def without(cls, ignored: list[str], columns: list[str]) -> VariantRules:
        """Every rule but those `ignored`, and the columns named.

        Raises:
            UsageError: no such rule.
        """
        for rule in ignored:
            if rule not in RULES:
                raise UsageError(f"no variant rule {rule!r}; the rules are {', '.join(RULES)}")
        return cls(tuple(rule for rule in RULES if rule not in ignored), tuple(columns))

    def rule_of(self, column: str) -> str:
        """The rule that reads a column as it reads titles; "" for none."""
        rule = COLUMN_RULES.get(column.casefold(), "")
        return rule if rule in self.rules and column not in self.columns else ""


EVERY_RULE = VariantRules()


@dataclass(frozen=True, slots=True)
class ListingReader:
    """Reads what products say of themselves, by row of the index. columns: those read beside the title."""

    guard: VariantRules
    listings: pa.Table
    columns: tuple[str, ...]

    @classmethod
    def of(cls, guard: VariantRules, listings: pa.Table) -> ListingReader:
        """
        Raises:
            UsageError: a column that is not there, or of a kind that cannot be compared.
        """
        for column in guard.columns:
            if column not in listings.column_names:
                raise UsageError(no_column(listings.column_names, column, purpose=" to tell variants by"))
            if not _is_plain(kind := listings.schema.field(column).type):
                raise UsageError(f"column {column!r} is {kind}: variants are told by text or numbers")
        named = [name for name in listings.column_names if guard.rule_of(name)]
        read = tuple(name for name in named if _is_plain(listings.schema.field(name).type))
        return cls(guard, listings, tuple(dict.fromkeys((*read, *guard.columns))))

    def read(self, rows: pa.ChunkedArray) -> list[Values]:
        """What each product's title and columns say."""
        titled = ("title",) if "title" in self.listings.column_names else ()
        named = list(dict.fromkeys((*titled, *self.columns)))
        if not named:
            return [{}] * len(rows)
        return [self._values(cells) for cells in self.listings.select(named).take(rows).to_pylist()]

    def _values(self, cells: Mapping[str, Any]) -> Values:
        title = str(cells.get("title") or "")
        found = {key: dict(said) for key, said in read_attributes(title, self.guard.rules).items()}
        for column in self.columns:
            cell = cells[column]
            text = "" if cell is None else str(cell).strip()
            if column in self.guard.columns and text:
                amounts = read_attributes(text, AMOUNTS)
                plain: Values = {("", ""): {" ".join(text.casefold().split()): text}}
                found |= {(column, key[1]): dict(said) for key, said in (amounts or plain).items()}
            elif rule := self.guard.rule_of(column):
                said = f"size {text}" if rule == "size" else text  # "M" alone is a size in this column
                for key, values in read_attributes(said, (rule,)).items():
                    found[key] = {**values, **found.get(key, {})}
        return found


def find_conflicts(a: Values, b: Values) -> list[str]:
    """Such as "size: 500 ml / 1 l": where both speak of a dimension and each says what the other does not.

    A side that says nothing conflicts with nothing, nor does one that says less: "black" fits "black and
    red". Of models, of which a title may name many, one in common is enough.
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


def _is_plain(kind: pa.DataType) -> bool:
    return not (pa.types.is_nested(kind) or pa.types.is_binary(kind) or pa.types.is_large_binary(kind))


def _same(one: Value, other: Value) -> bool:
    if isinstance(one, float) and isinstance(other, float):
        return abs(one - other) <= ROUNDED * max(one, other)
    return one == other


def _model_in(one: Value, other: Value) -> bool:
    """Sellers add and drop the ends of model numbers: a region, a colour."""
    return str(one) in str(other) or str(other) in str(one)
