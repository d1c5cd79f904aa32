"""Makes cards, which pages show, of the groups and pairs in the tables of `itemsearch duplicates`."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from itemsearch.duplicates.run_folder import DuplicateTables
from itemsearch.duplicates.types import Decision, Tier
from itemsearch.review.wording import evidence_in_words

SELLER_COLUMNS = ("seller", "merchant", "shop", "vendor", "store", "marketplace")
"""Catalog columns that name the seller of a listing; pages show the first that exists."""


@dataclass(frozen=True, slots=True)
class ListingCard:
    """A listing as pages show it. row: in the index. category, seller, content_hash: "" for none."""

    row: int
    id: str
    title: str
    category: str
    seller: str
    content_hash: str
    has_picture: bool


@dataclass(frozen=True, slots=True)
class PairCard:
    """Two listings of a run's pairs. probability: that they are one product by the evidence; 1 where a person
    decided that they are. reason, evidence: in words."""

    first: ListingCard
    second: ListingCard
    probability: float
    confirmed: bool
    reason: str
    evidence: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class GroupMember:
    """A listing of a group. nearest: its pair with the keeper, or else with the most alike other listing;
    None for the keeper, and for a listing without a pair."""

    listing: ListingCard
    keeper: bool
    probability: float
    nearest: PairCard | None


@dataclass(frozen=True)
class GroupCard:
    """A group of two or more listings, the keeper first. flag: as in `GROUPS_SCHEMA`, "" for none."""

    id: str
    tier: Tier
    flag: str
    members: tuple[GroupMember, ...]

    @cached_property
    def listings(self) -> tuple[ListingCard, ...]:
        """The listings of the members, in order."""
        return tuple(member.listing for member in self.members)

    @property
    def probability(self) -> float:
        """The mean probability of the members."""
        return sum(member.probability for member in self.members) / len(self.members)

    @property
    def doubt(self) -> float:
        """How much doubt an answer removes: the sum of p (1 - p) over the probabilities p of the duplicates.

        That is the variance of how many of them are right, if they are right or wrong independently: expected
        error reduction (Roy and McCallum 2001) by the group's own listings. What an answer says of other
        groups, by the curve, is as good as proportional to it.
        """
        return sum(
            member.probability * (1 - member.probability) for member in self.members if not member.keeper
        )

    @property
    def value(self) -> float:
        """The number of duplicates that one decision settles, in expectation."""
        return (len(self.members) - 1) * self.probability


@dataclass(frozen=True, slots=True)
class Cards:
    """The cards of a run. groups: in order of id. variants: the most probable first. weakest: the duplicate
    pairs, the least probable first."""

    groups: tuple[GroupCard, ...]
    variants: tuple[PairCard, ...]
    weakest: tuple[PairCard, ...]


def read_cards(tables: DuplicateTables, variants: int, weakest: int) -> Cards:
    """Makes cards of all groups, and of at most so many pairs, of listings that the index still has."""
    listings = ListingCardReader(tables.listings)
    members = tables.groups.to_pylist()
    listings.read([member["id"] for member in members])
    compared = _compared_in_groups(tables, listings)
    by_group: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for member in members:
        if member["id"] in listings.known:
            by_group[member["group_id"]].append(member)
    groups = [_group(id, rows, listings, compared[id]) for id, rows in by_group.items() if len(rows) > 1]
    return Cards(
        groups=tuple(sorted(groups, key=lambda group: group.id)),
        variants=_pairs(tables.pairs, Decision.VARIANT, "descending", variants, listings),
        weakest=_pairs(tables.pairs, Decision.DUPLICATE, "ascending", weakest, listings),
    )


class ListingCardReader:
    """Reads listings by id, in bulk. known: id to card, of those read so far."""

    def __init__(self, listings: pa.Table) -> None:
        self.listings = listings
        self.known: dict[str, ListingCard] = {}
        named = {name.casefold(): name for name in listings.column_names}
        self.seller_column = next((named[name] for name in SELLER_COLUMNS if name in named), "")

    def read(self, ids: Sequence[str]) -> None:
        """Adds those of `ids` that the index holds to `known`."""
        self.read_rows(pc.index_in(pa.array(ids, pa.string()), self.listings["id"]).drop_null().unique())

    def read_rows(self, rows: pa.Array) -> None:
        """Adds the listings of different rows of the index to `known`."""
        wanted = {"id", "title", "category", "content_hash", "has_image", self.seller_column}
        table = self.listings.select([name for name in self.listings.column_names if name in wanted])
        for row, cells in zip(rows.to_pylist(), table.take(rows).to_pylist(), strict=True):
            seller = cells.get(self.seller_column)
            self.known[cells["id"]] = ListingCard(
                row=row,
                id=cells["id"],
                title=cells.get("title") or "",
                category=cells.get("category") or "",
                seller="" if seller is None else str(seller),
                content_hash=cells.get("content_hash") or "",
                has_picture=bool(cells.get("has_image")),
            )


def _group(
    id: str, rows: Sequence[Mapping[str, Any]], listings: ListingCardReader, compared: Sequence[PairCard]
) -> GroupCard:
    ordered = sorted(
        rows, key=lambda member: (not member["keeper"], -(member["probability"] or 0), member["id"])
    )
    keeper = ordered[0]["id"]
    nearest: dict[str, PairCard] = {}
    for pair in compared:  # the highest probability first
        ids = (pair.first.id, pair.second.id)
        for own in ids:
            if own not in nearest or keeper in ids:
                nearest[own] = pair
    members = tuple(
        GroupMember(
            listing=listings.known[member["id"]],
            keeper=member["keeper"],
            probability=float(member["probability"] or 0),
            nearest=None if member["id"] == keeper else nearest.get(member["id"]),
        )
        for member in ordered
    )
    return GroupCard(id, Tier(rows[0]["tier"]), rows[0]["flag"] or "", members)


def _compared_in_groups(tables: DuplicateTables, listings: ListingCardReader) -> Mapping[str, list[PairCard]]:
    """Group id to the pairs within the group, the highest probability first."""
    pairs, groups = tables.pairs, tables.groups
    places = [pc.index_in(pairs[name], groups["id"]) for name in ("id_a", "id_b")]
    group_a, group_b = (groups["group_id"].take(place) for place in places)
    inside = pairs.append_column("group_id", group_a).filter(pc.equal(group_a, group_b))
    compared: Mapping[str, list[PairCard]] = defaultdict(list)
    for pair in inside.sort_by([("probability", "descending")]).to_pylist():
        if pair["id_a"] in listings.known and pair["id_b"] in listings.known:
            compared[pair["group_id"]].append(_pair_card(pair, listings))
    return compared


def _pairs(
    pairs: pa.Table, decision: Decision, order: str, count: int, listings: ListingCardReader
) -> tuple[PairCard, ...]:
    decided = pairs.filter(pc.equal(pairs["decision"], decision.value))
    first = decided.sort_by([("probability", order), ("id_a", "ascending"), ("id_b", "ascending")]).slice(
        0, count
    )
    listings.read(pa.concat_arrays([*first["id_a"].chunks, *first["id_b"].chunks]).to_pylist())
    return tuple(
        _pair_card(pair, listings)
        for pair in first.to_pylist()
        if pair["id_a"] in listings.known and pair["id_b"] in listings.known
    )


def _pair_card(pair: Mapping[str, Any], listings: ListingCardReader) -> PairCard:
    first, second = listings.known[pair["id_a"]], listings.known[pair["id_b"]]
    words = evidence_in_words(pair, first.title, second.title)
    confirmed = pair["decision"] == Decision.CONFIRMED
    probability = 1.0 if confirmed else pair["probability"]
    return PairCard(first, second, probability, confirmed, pair["reason"] or "", words)
