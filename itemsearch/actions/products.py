"""Chooses the products to act on: those that people decided, and the automatic groups of a run."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from itemsearch.duplicates.groups.form import new_group_id
from itemsearch.duplicates.types import Tier
from itemsearch.review.cards import GroupCard
from itemsearch.review.order import Order, in_order
from itemsearch.review.session import ReviewSession
from itemsearch.review.standing import StandingLabels


@dataclass(frozen=True, slots=True)
class Product:
    """Listings that are one product, the keeper first, then in order of id. tier: confirmed or automatic."""

    group_id: str
    ids: tuple[str, ...]
    tier: Tier

    @property
    def keeper(self) -> str:
        """The listing to be kept."""
        return self.ids[0]


@dataclass(frozen=True, slots=True)
class Products:
    """found: in the order of review. known: all listings of which there is something to do, found or not.
    pending: of these, the listings of automatic groups that a decision made since joins with others: the next
    run knows what they are."""

    found: tuple[Product, ...]
    known: frozenset[str]
    pending: frozenset[str]


def find_products(session: ReviewSession, automatic: bool) -> Products:
    """The products that people decided, joined by decisions since the run as well.

    Args:
        automatic: find the automatic groups of the run too, in place of the products that they hold. One of
            which somebody told two listings apart is none.
    """
    labels = session.labels()
    decided = {first: tuple(ids) for first, ids in labels.people.products.items()}
    groups: list[tuple[str, ...]] = []
    held: set[str] = set()
    pending: set[str] = set()
    for group in session.groups.values():
        if group.tier is not Tier.AUTOMATIC or len(labels.parts(group)) > 1:
            continue
        ids = {listing.id for listing in group.listings}
        firsts = {labels.people.first[id] for id in ids if id in labels.people.first}
        if not all(ids.issuperset(decided[first]) for first in firsts):
            pending |= ids
        elif not any(len(decided[first]) == len(ids) for first in firsts):
            groups.append(tuple(sorted(ids)))
            held |= firsts
    known = pending.union(*decided.values(), *groups)
    chosen = [ids for first, ids in decided.items() if not (automatic and first in held)]
    found = [_product(session, labels, ids, Tier.CONFIRMED) for ids in chosen]
    if automatic:
        found += [_product(session, labels, ids, Tier.AUTOMATIC) for ids in groups]
    places = _places(list(session.groups.values()))
    found.sort(key=lambda product: (places.get(product.group_id, len(places)), product.group_id))
    return Products(tuple(found), frozenset(known), frozenset(pending))


def _product(session: ReviewSession, labels: StandingLabels, ids: tuple[str, ...], tier: Tier) -> Product:
    keeper = session.keeper(labels, ids)
    others = (id for id in ids if id != keeper)
    group_id = session.group_of.get(keeper) or next(
        (session.group_of[id] for id in ids if id in session.group_of), new_group_id(min(ids))
    )
    return Product(group_id, (keeper, *others), tier)


def _places(groups: Sequence[GroupCard]) -> dict[str, int]:
    return {group.id: place for place, group in enumerate(in_order(groups, Order.TEACHES))}
