"""Merges the listings of a product into one: for each column a value, and the listing that it comes from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from itemsearch.actions.products import Product
from itemsearch.columns import no_column
from itemsearch.duplicates.groups.keeper import rank_keepers
from itemsearch.errors import UsageError
from itemsearch.review.differences import OWN
from itemsearch.search.text_readings import as_numbers

RULES = ("keeper", "complete", "longest", "lowest", "highest")


@dataclass(frozen=True, slots=True)
class MergeRules:
    """Which value of a column is kept. newest: the listing with the highest value in this column gives all
    values without a rule; "" for `complete`. by_column: column to one of `RULES`.

    keeper: the keeper's value, filled or not. complete: the keeper's, or where that is empty the one of the
    listing with the most cells filled. longest: the longest text. lowest, highest: of numbers or dates.
    """

    newest: str = ""
    by_column: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def parse(cls, newest: str, rules: Sequence[str], columns: Sequence[str]) -> MergeRules:
        """Reads COLUMN=RULE options.

        Raises:
            UsageError: an unknown column or rule.
        """
        by_column = {}
        for text in rules:
            column, equals, rule = text.rpartition("=")
            if not equals or rule not in RULES:
                raise UsageError(f"--rule {text!r}: write COLUMN=RULE; the rules are {', '.join(RULES)}")
            by_column[column] = rule
        for column in [*by_column, *([newest] if newest else [])]:
            if column not in columns:
                raise UsageError(no_column(columns, column))
        return cls(newest, by_column)


def merged_table(products: Sequence[Product], listings: pa.Table, rules: MergeRules) -> pa.Table:
    """A row a product: group, keeper_id, listings (the ids), and each column of the catalog, with the id of
    the listing that gave the value in "COLUMN from", "" where none has a value."""
    names = [name for name in listings.column_names if name not in OWN and name != "id"]
    ids = [id for product in products for id in product.ids]
    rows = pc.index_in(pa.array(ids, pa.string()), listings["id"])
    taken = listings.select(names).take(rows)
    complete = rank_keepers(listings, rows.to_numpy().astype("int64"), ("complete",)).tolist()
    newest = as_numbers(listings[rules.newest]).take(rows).to_pylist() if rules.newest else []
    ours = {
        "group": [product.group_id for product in products],
        "keeper_id": [product.keeper for product in products],
        "listings": [" ".join(product.ids) for product in products],
    }
    made = {name: pa.array(cells, pa.string()) for name, cells in ours.items()}
    for name in names:
        rule = rules.by_column.get(name, "newest" if rules.newest else "complete")
        values = taken[name].to_pylist()
        keys = as_numbers(listings[name]).take(rows).to_pylist() if rule in ("lowest", "highest") else values
        chosen: list[int | None] = []
        end = 0
        for product in products:
            start, end = end, end + len(product.ids)
            ordered = [start, *sorted(range(start + 1, end), key=complete.__getitem__)]
            if rule == "newest":
                ordered = _by_newest(ordered, newest)
            chosen.append(_choose(ordered, rule, keys))
        own = f"catalog {name}" if name in ours else name
        made[own] = pa.array(
            [None if at is None else values[at] for at in chosen], taken.schema.field(name).type
        )
        made[f"{own} from"] = pa.array(["" if at is None else ids[at] for at in chosen], pa.string())
    return pa.table(made)


def _by_newest(places: list[int], newest: Sequence[Any]) -> list[int]:
    """The places, that of the highest value first; those without a value last."""
    dated = [place for place in places if _filled(newest[place])]
    return sorted(dated, key=lambda place: newest[place], reverse=True) + [
        place for place in places if not _filled(newest[place])
    ]


def _choose(places: Sequence[int], rule: str, values: Sequence[Any]) -> int | None:
    """The place whose value is kept, of equal ones the first; None where none has a value."""
    filled = [place for place in places if _filled(values[place])]
    if rule == "keeper":
        return places[0] if places[0] in filled else None
    if not filled:
        return None
    if rule == "longest":
        return max(filled, key=lambda place: len(str(values[place])))
    if rule in ("lowest", "highest"):
        return (min if rule == "lowest" else max)(filled, key=lambda place: values[place])
    return filled[0]


def _filled(value: Any) -> bool:
    return value is not None and value != ""
