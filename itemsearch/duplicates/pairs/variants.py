"""Reads what may make two listings variants: size, pack, model, colour and such, of title and columns."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pyarrow as pa

from itemsearch.attributes.reading import READERS, Attributes, read_attributes
from itemsearch.attributes.text import Values
from itemsearch.columns import no_column
from itemsearch.errors import UsageError

RULES = tuple(READERS)
COLUMN_RULES = {"size": "size", "colour": "colour", "color": "colour", "gender": "audience"}
"""Catalog columns whose text is read as the title is, to the rule that reads it."""
AMOUNTS = ("size", "capacity")


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
                raise UsageError(no_column(listings.column_names, column, purpose=" for --variant-column"))
            if not _is_plain(kind := listings.schema.field(column).type):
                raise UsageError(f"column {column!r} is {kind}: --variant-column takes text or numbers")
        named = [name for name in listings.column_names if variant_rules.rule_of(name)]
        read = tuple(name for name in named if _is_plain(listings.schema.field(name).type))
        return cls(variant_rules, listings, tuple(dict.fromkeys((*read, *variant_rules.columns))))

    def read(self, rows: pa.ChunkedArray) -> list[Attributes]:
        """The attributes in the title and the columns of each of the listings `rows`."""
        titled = ("title",) if "title" in self.listings.column_names else ()
        named = list(dict.fromkeys((*titled, *self.columns)))
        if not named:
            return [Attributes({})] * len(rows)
        return [self._values(cells) for cells in self.listings.select(named).take(rows).to_pylist()]

    def _values(self, cells: Mapping[str, Any]) -> Attributes:
        of_title = read_attributes(str(cells.get("title") or ""), self.variant_rules.rules)
        values = {key: dict(said) for key, said in of_title.values.items()}
        for column in self.columns:
            cell = cells[column]
            text = "" if cell is None else str(cell).strip()
            if column in self.variant_rules.columns and text:
                amounts = read_attributes(text, AMOUNTS).values
                plain: Values = {("", ""): {" ".join(text.casefold().split()): text}}
                values |= {(column, key[1]): dict(said) for key, said in (amounts or plain).items()}
            elif rule := self.variant_rules.rule_of(column):
                sized = f"size {text}" if rule == "size" else text  # "M" alone is a size in this column
                for key, said in read_attributes(sized, (rule,)).values.items():
                    values[key] = {**said, **values.get(key, {})}
        return Attributes(values, of_title.words)


def _is_plain(kind: pa.DataType) -> bool:
    return not (pa.types.is_nested(kind) or pa.types.is_binary(kind) or pa.types.is_large_binary(kind))
