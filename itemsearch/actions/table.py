"""Makes the table of actions: a row a listing that is to be kept, taken down or redirected."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from itemsearch.actions.products import Product
from itemsearch.decisions.pair_labels import PairLabel
from itemsearch.decisions.remarks import as_text
from itemsearch.duplicates.types import Tier
from itemsearch.review.cards import SELLER_COLUMNS
from itemsearch.review.differences import OWN
from itemsearch.review.links import page_of
from itemsearch.review.session import ReviewSession

ADDRESS_COLUMNS = ("url", "link", "address", "product_url")
"""Catalog columns that hold the address of a listing's page, where --link gives none; the first counts."""
TEXTS = (
    "group",
    "action",
    "id",
    "keeper_id",
    "redirect_from",
    "redirect_to",
    "title",
    "seller",
    "price",
    "address",
    "tier",
    "reason",
    "who",
    "when",
    "notes",
)


class ToDo(StrEnum):
    """What to do with a listing. Files store the value. A redirect is a listing to take down whose address
    and that of the keeper are known."""

    KEEP = "keep"
    TAKE_DOWN = "take down"
    REDIRECT = "redirect"


@dataclass(frozen=True, slots=True)
class ActionRow:
    """An action on a listing. probability: that it is of the keeper's product. when: ISO 8601, in UTC. notes:
    of people, on the listing."""

    group: str
    todo: ToDo
    id: str
    keeper_id: str
    redirect_from: str
    redirect_to: str
    address: str
    tier: str
    probability: float
    reason: str
    who: str
    when: str
    notes: str

    @property
    def state(self) -> tuple[str, str]:
        """What an export remembers of it; a redirect is a listing that is taken down, whether or not its
        address was known."""
        return ((ToDo.KEEP if self.todo is ToDo.KEEP else ToDo.TAKE_DOWN).value, self.keeper_id)


class ActionMaker:
    """Makes the rows of products. link: as in `page_of`; "" to read addresses from a column."""

    def __init__(self, session: ReviewSession, link: str) -> None:
        self.session = session
        self.link = link
        self.people = session.labels().people
        self.remarks = session.labels().remarks
        self.latest: dict[str, PairLabel] = {}
        for label in sorted(self.people.labels.values(), key=lambda label: label.event):
            if label.same:
                self.latest[label.id_a] = self.latest[label.id_b] = label
        named = {name.casefold(): name for name in session.engine.listings.column_names}
        self.address_column = next((named[name] for name in ADDRESS_COLUMNS if name in named), "")

    def rows(self, product: Product) -> list[ActionRow]:
        """The rows of a product, that of the keeper first."""
        addresses = self.addresses(product.ids)
        return [self._row(product, id, addresses) for id in product.ids]

    def taken_back(self, id: str, earlier: str) -> ActionRow:
        """The row of a listing that is nobody's duplicate any more. earlier: what was exported."""
        address = self.addresses([id])[id]
        reason = f"taken back since it was exported as: {earlier}"
        return ActionRow("", ToDo.KEEP, id, id, "", "", address, "", 0.0, reason, "", "", self._notes(id))

    def addresses(self, ids: Sequence[str]) -> Mapping[str, str]:
        """Id to the address of its page, "" where it is not known."""
        if self.link or not self.address_column:
            return {id: page_of(self.link, id) for id in ids}
        listings = self.session.engine.listings
        rows = pc.index_in(pa.array(ids, pa.string()), listings["id"])
        cells = listings[self.address_column].take(rows).to_pylist()
        return {id: "" if cell is None else str(cell) for id, cell in zip(ids, cells, strict=True)}

    def _row(self, product: Product, id: str, addresses: Mapping[str, str]) -> ActionRow:
        keeper = product.keeper
        todo = ToDo.KEEP if id == keeper else ToDo.TAKE_DOWN
        ends = ("", "")
        if todo is ToDo.TAKE_DOWN and addresses[id] and addresses[keeper]:
            todo, ends = ToDo.REDIRECT, (addresses[id], addresses[keeper])
        return ActionRow(
            product.group_id,
            todo,
            id,
            keeper,
            *ends,
            addresses[id],
            product.tier.value,
            self._probability(product, id),
            *self._origin(product, id),
            self._notes(id),
        )

    def _notes(self, id: str) -> str:
        return as_text(self.remarks.notes_on([id]))

    def _probability(self, product: Product, id: str) -> float:
        if product.tier is Tier.CONFIRMED or id == product.keeper:
            return 1.0
        members = self.session.groups[product.group_id].members
        return next(member.probability for member in members if member.listing.id == id)

    def _origin(self, product: Product, id: str) -> tuple[str, str, str]:
        """The reason of the action on a listing, who decided it, and when."""
        choice = self.people.keeper(product.ids)
        if id == product.keeper:
            if choice is None:
                return "proposed to be kept", "", ""
            who = choice.who or "a person"
            return f"{who} chose on {choice.at[:10]} to keep it", choice.who, choice.at
        if self.people.same(id, product.keeper):
            latest = self.latest[id]
            return self.people.reason(id, product.keeper), latest.who, latest.at
        members = self.session.groups[product.group_id].members
        nearest = next(member.nearest for member in members if member.listing.id == id)
        return nearest.reason if nearest else "", "", ""


def actions_table(rows: Sequence[ActionRow], listings: pa.Table) -> pa.Table:
    """The columns `TEXTS`, probability, and every column that the catalog carries, of which one that is named
    like ours is called "catalog NAME"."""
    named = {name.casefold(): name for name in listings.column_names}
    seller = next((named[name] for name in SELLER_COLUMNS if name in named), "")
    sources = {"title": named.get("title", ""), "seller": seller, "price": named.get("price", "")}
    texts = [name for name in listings.column_names if not pa.types.is_binary_view(listings[name].type)]
    taken = listings.select(texts).take(
        pc.index_in(pa.array([row.id for row in rows], pa.string()), listings["id"])
    )
    columns: dict[str, Any] = {}
    for name in TEXTS:
        if name in sources:
            source = sources[name]
            cells = taken[source].to_pylist() if source else [None] * len(rows)
            columns[name] = ["" if cell is None else str(cell) for cell in cells]
        else:
            columns[name] = [str(getattr(row, "todo" if name == "action" else name)) for row in rows]
    made = {name: pa.array(cells, pa.string()) for name, cells in columns.items()}
    made["probability"] = pa.array([row.probability for row in rows], pa.float32())
    shown = {"id", *(source for name, source in sources.items() if source == name)}
    for name in listings.column_names:
        if name not in OWN and name not in shown:
            made[f"catalog {name}" if name in made else name] = taken[name]
    return pa.table(made)
