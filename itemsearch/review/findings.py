"""What `itemsearch duplicates` found, from its tables to the groups that people look at."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from itemsearch.duplicates.types import Decision, Tier
from itemsearch.errors import ReviewError
from itemsearch.review.wording import evidence_in_words

SELLER_COLUMNS = ("seller", "merchant", "shop", "vendor", "store", "marketplace")
"""Carried columns that say who offers a listing; the first that is there is shown."""


@dataclass(frozen=True, slots=True)
class ListingCard:
    """A product as pages show it; `row` is its row in the index's products."""

    row: int
    id: str
    title: str
    category: str
    seller: str
    content_hash: str
    has_picture: bool


@dataclass(frozen=True, slots=True)
class Comparison:
    """Two listings, what speaks for one product and what against, in words. score: as in search results."""

    first: ListingCard
    second: ListingCard
    score: float
    reason: str
    evidence: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Member:
    """A listing of a group. nearest: its comparison with the keeper, or else with the most alike other;
    None for the keeper, and where it was compared with none."""

    listing: ListingCard
    keeper: bool
    score: float
    nearest: Comparison | None


@dataclass(frozen=True, slots=True)
class Group:
    """Two or more listings, the keeper first. flag: why the whole group needs a look, "" for no reason."""

    id: str
    tier: Tier
    flag: str
    members: tuple[Member, ...]

    @property
    def listings(self) -> tuple[ListingCard, ...]:
        return tuple(member.listing for member in self.members)

    @property
    def score(self) -> float:
        return sum(member.score for member in self.members) / len(self.members)

    @property
    def value(self) -> float:
        """How many duplicates one decision is expected to settle."""
        return (len(self.members) - 1) * self.score


@dataclass(frozen=True, slots=True)
class Findings:
    """products: of the index, with our columns and the carried ones. pairs, groups: of `PAIRS_SCHEMA` and
    `GROUPS_SCHEMA`."""

    listings: pa.Table
    pairs: pa.Table
    groups: pa.Table

    @classmethod
    def read(cls, folder: Path, listings: pa.Table) -> Self:
        """What a run wrote into `folder`.

        Raises:
            ReviewError: the folder's tables cannot be read.
        """
        try:
            return cls(listings, *(pq.read_table(folder / f"{name}.parquet") for name in ("pairs", "groups")))
        except (OSError, pa.ArrowException) as error:
            raise ReviewError(f"{folder}: {error}; run itemsearch duplicates again") from error


@dataclass(frozen=True, slots=True)
class Shown:
    """What there is to look at. groups: the most valuable decisions first. variants: the most alike first.
    weakest: accepted pairs, the least alike first."""

    groups: tuple[Group, ...]
    variants: tuple[Comparison, ...]
    weakest: tuple[Comparison, ...]


def read_shown(findings: Findings, variants: int, weakest: int) -> Shown:
    """Groups and at most so many pairs; listings that the index no longer holds are left out."""
    listings = ListingCards(findings.listings)
    members = findings.groups.to_pylist()
    listings.read([member["id"] for member in members])
    compared = _compared_in_groups(findings, listings)
    by_group: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for member in members:
        if member["id"] in listings.known:
            by_group[member["group_id"]].append(member)
    groups = [_group(id, held, listings, compared[id]) for id, held in by_group.items() if len(held) > 1]
    return Shown(
        groups=tuple(sorted(groups, key=_by_value)),
        variants=_pairs(findings.pairs, Decision.VARIANT, "descending", variants, listings),
        weakest=_pairs(findings.pairs, Decision.DUPLICATE, "ascending", weakest, listings),
    )


class ListingCards:
    """Products by id, read in bulk."""

    def __init__(self, listings: pa.Table) -> None:
        self.listings = listings
        self.known: dict[str, ListingCard] = {}
        named = {name.casefold(): name for name in listings.column_names}
        self.seller_column = next((named[name] for name in SELLER_COLUMNS if name in named), "")

    def read(self, ids: Sequence[str]) -> None:
        """Makes those of `ids` that the index holds `known`."""
        rows = pc.index_in(pa.array(ids, pa.string()), self.listings["id"]).drop_null().unique()
        wanted = {"id", "title", "category", "content_hash", "has_image", self.seller_column}
        table = self.listings.select([name for name in self.listings.column_names if name in wanted])
        for row, held in zip(rows.to_pylist(), table.take(rows).to_pylist(), strict=True):
            seller = held.get(self.seller_column)
            self.known[held["id"]] = ListingCard(
                row=row,
                id=held["id"],
                title=held.get("title") or "",
                category=held.get("category") or "",
                seller="" if seller is None else str(seller),
                content_hash=held.get("content_hash") or "",
                has_picture=bool(held.get("has_image")),
            )


def _group(
    id: str, held: Sequence[Mapping[str, Any]], listings: ListingCards, compared: Sequence[Comparison]
) -> Group:
    ordered = sorted(held, key=lambda member: (not member["keeper"], -(member["score"] or 0), member["id"]))
    keeper = ordered[0]["id"]
    nearest: dict[str, Comparison] = {}
    for pair in compared:  # the most alike first
        ids = (pair.first.id, pair.second.id)
        for own in ids:
            if own not in nearest or keeper in ids:
                nearest[own] = pair
    members = tuple(
        Member(
            listing=listings.known[member["id"]],
            keeper=member["keeper"],
            score=float(member["score"] or 0),
            nearest=None if member["id"] == keeper else nearest.get(member["id"]),
        )
        for member in ordered
    )
    return Group(id, Tier(held[0]["tier"]), held[0]["flag"] or "", members)


def _by_value(group: Group) -> tuple[bool, float, str]:
    return group.tier is Tier.AUTOMATIC, -group.value, group.id


def _compared_in_groups(findings: Findings, listings: ListingCards) -> Mapping[str, list[Comparison]]:
    """The pairs within each group, the most alike first."""
    pairs, groups = findings.pairs, findings.groups
    places = [pc.index_in(pairs[name], groups["id"]) for name in ("id_a", "id_b")]
    group_a, group_b = (groups["group_id"].take(place) for place in places)
    inside = pairs.append_column("group_id", group_a).filter(pc.equal(group_a, group_b))
    compared: Mapping[str, list[Comparison]] = defaultdict(list)
    for pair in inside.sort_by([("score", "descending")]).to_pylist():
        if pair["id_a"] in listings.known and pair["id_b"] in listings.known:
            compared[pair["group_id"]].append(_comparison(pair, listings))
    return compared


def _pairs(
    pairs: pa.Table, decision: Decision, order: str, count: int, listings: ListingCards
) -> tuple[Comparison, ...]:
    held = pairs.filter(pc.equal(pairs["decision"], decision.value))
    first = held.sort_by([("score", order), ("id_a", "ascending"), ("id_b", "ascending")]).slice(0, count)
    listings.read(pa.concat_arrays([*first["id_a"].chunks, *first["id_b"].chunks]).to_pylist())
    return tuple(
        _comparison(pair, listings)
        for pair in first.to_pylist()
        if pair["id_a"] in listings.known and pair["id_b"] in listings.known
    )


def _comparison(pair: Mapping[str, Any], listings: ListingCards) -> Comparison:
    first, second = listings.known[pair["id_a"]], listings.known[pair["id_b"]]
    words = evidence_in_words(pair, first.title, second.title)
    return Comparison(first, second, pair["score"], pair["reason"] or "", words)
