"""Finds conflicts of listings: differences in size, capacity, pack, model or colour."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pyarrow as pa

from itemsearch.duplicates.pairs.attributes import READERS, Value, Values, read_attributes
from itemsearch.errors import UsageError

RULES = tuple(READERS)
COLUMN_RULES = {"size": "size", "colour": "colour", "color": "colour"}
"""Catalog columns whose text is read as the title is, to the rule that reads it."""
AMOUNTS = ("size", "capacity")
ROUNDED = 0.02
"""The relative difference up to which two amounts are equal: 12 oz is 355 ml."""


@dataclass(frozen=True, slots=True)
class VariantRules:
    """What counts as a conflict. rules: of `RULES`. columns: catalog columns that are compared."""

    rules: tuple[str, ...] = RULES
    columns: tuple[str, ...] = ()

    @classmethod
    def without(cls, ignored: list[str], columns: list[str]) -> VariantRules:
        """All rules but `ignored`, and `columns`.

        Raises:
            UsageError: an unknown rule.
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
class AttributeReader:
    """Reads the attributes of listings, by row of the index, from the title and from `columns`."""

    variant_rules: VariantRules
    listings: pa.Table
    columns: tuple[str, ...]

    @classmethod
    def of(cls, variant_rules: VariantRules, listings: pa.Table) -> AttributeReader:
        """Checks the columns of the rules.

        Raises:
            UsageError: a column that is not there, or of a type that cannot be compared.
        """
        for column in variant_rules.columns:
            if column not in listings.column_names:
                present = ", ".join(map(repr, listings.column_names))
                raise UsageError(f"no column {column!r} for --variant-column; the columns are {present}")
            if not _is_plain(kind := listings.schema.field(column).type):
                raise UsageError(f"column {column!r} is {kind}: --variant-column takes text or numbers")
        named = [name for name in listings.column_names if variant_rules.rule_of(name)]
        read = tuple(name for name in named if _is_plain(listings.schema.field(name).type))
        return cls(variant_rules, listings, tuple(dict.fromkeys((*read, *variant_rules.columns))))

    def read(self, rows: pa.ChunkedArray) -> list[Values]:
        """The attributes in the title and the columns of each of the listings `rows`."""
        titled = ("title",) if "title" in self.listings.column_names else ()
        named = list(dict.fromkeys((*titled, *self.columns)))
        if not named:
            return [{}] * len(rows)
        return [self._values(cells) for cells in self.listings.select(named).take(rows).to_pylist()]

    def _values(self, cells: Mapping[str, Any]) -> Values:
        title = str(cells.get("title") or "")
        attributes = {
            key: dict(values) for key, values in read_attributes(title, self.variant_rules.rules).items()
        }
        for column in self.columns:
            cell = cells[column]
            text = "" if cell is None else str(cell).strip()
            if column in self.variant_rules.columns and text:
                amounts = read_attributes(text, AMOUNTS)
                plain: Values = {("", ""): {" ".join(text.casefold().split()): text}}
                attributes |= {(column, key[1]): dict(values) for key, values in (amounts or plain).items()}
            elif rule := self.variant_rules.rule_of(column):
                sized = f"size {text}" if rule == "size" else text  # "M" alone is a size in this column
                for key, column_values in read_attributes(sized, (rule,)).items():
                    attributes[key] = {**column_values, **attributes.get(key, {})}
        return attributes


def find_conflicts(a: Values, b: Values) -> list[str]:
    """Finds the dimensions of which each of two listings names a value that the other lacks.

    A listing that names no value conflicts with none, nor does one that names fewer: "black" fits "black and
    red". Of models, of which a title may name many, one in common is enough.

    Returns:
        A line a conflict, such as "size: 500 ml / 1 l", in order.
    """
    conflicts = []
    for key in a.keys() & b.keys():
        alike = _model_in if key[0] == "model" else _same
        only_a = [words for value, words in a[key].items() if not any(alike(value, o) for o in b[key])]
        only_b = [words for value, words in b[key].items() if not any(alike(value, o) for o in a[key])]
        shared = len(only_a) < len(a[key]) or len(only_b) < len(b[key])
        if only_a and only_b and not (key[0] == "model" and shared):
            conflicts.append(f"{key[0]}: {', '.join(only_a)} / {', '.join(only_b)}")
    return sorted(conflicts)


def _is_plain(kind: pa.DataType) -> bool:
    return not (pa.types.is_nested(kind) or pa.types.is_binary(kind) or pa.types.is_large_binary(kind))


def _same(one: Value, other: Value) -> bool:
    if isinstance(one, float) and isinstance(other, float):
        return abs(one - other) <= ROUNDED * max(one, other)
    return one == other


def _model_in(one: Value, other: Value) -> bool:
    """Whether one model number is part of the other: sellers add a region or a colour at the ends."""
    return str(one) in str(other) or str(other) in str(one)
