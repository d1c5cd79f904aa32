"""Draws groups at random to be checked, and says which share of those checked is right.

Every group has a place of its own in a random order, made of its first id: permanent random numbers (Ohlsson
1995). The groups up to a place are a uniform sample of any tier, the same for everybody, and the sample of
the next run goes on with the groups that were checked before.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from hashlib import blake2b
from itertools import combinations

from itemsearch.decisions.pair_labels import PairLabel
from itemsearch.probability.estimate import Checked

SAMPLE = 20
"""So many groups are a sample: 20 that are right say 84% or more. A guess of what people have time for."""

LAST = 2**64
"""Every group has a place before it."""


def drawn_place(ids: Iterable[str]) -> int:
    """The place of a group of these listings in the order in which groups are drawn."""
    return int.from_bytes(blake2b(min(ids).encode(), digest_size=8, person=b"drawn").digest())


def whole_answer(answers: Iterable[bool | None]) -> bool | None:
    """Whether a group is one product, from the answers on its pairs; None where these do not say."""
    given = set(answers)
    return False if False in given else None if None in given else True


def checked(groups: Iterable[Collection[str]], labels: Sequence[PairLabel], tier: str) -> Checked | None:
    """The share of a tier's groups that is right; None where nobody checked a drawn group.

    It counts the decided groups up to the last one that was drawn, in the order of drawing. Groups that
    somebody chose to decide, for their doubt say, count there too and nowhere else: without them the sample
    would lack the doubtful. The sample ends at the first group that was accepted unseen, until somebody looks
    at it: people accept the surest groups, and without these the share would be that of the others.

    Args:
        groups: the ids of each group of the tier, as they are without the decisions. labels: those that
            stand.
    """
    label_of = {(label.id_a, label.id_b): label for label in labels}
    known = {id for pair in label_of for id in pair}
    decided: list[tuple[int, bool]] = []
    drawn: list[int] = []
    end = LAST
    for ids in groups:
        if known.isdisjoint(ids):
            continue
        own = [label_of.get(pair) for pair in combinations(sorted(ids), 2)]
        is_right = whole_answer(label.same if label and label.looked_at else None for label in own)
        place = drawn_place(ids)
        if is_right is not None:
            decided.append((place, is_right))
            drawn += [place] if any(label and label.drawn == tier for label in own) else []
        elif any(label and not label.looked_at for label in own):
            end = min(end, place)
    reached = max((place for place in drawn if place < end), default=-1)
    right = [is_right for place, is_right in decided if place <= reached]
    return Checked.of(sum(right), len(right)) if right else None
