"""A decision as a person asks for it, and the labels of pairs that it makes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from itemsearch.decisions.events import Action
from itemsearch.decisions.pair_labels import PairLabel, all_different, all_same, different_from
from itemsearch.errors import UsageError


@dataclass(frozen=True, slots=True)
class DecisionRequest:
    """A decision of a person on `part` of a group, or of two groups.

    seen: the last event at the time of the page. shown: all listings on the page. ticked: the listings of
    `part` that are another product, of a split or of a rejection of one listing. drawn: whether the group was
    shown because it was drawn at random. who: the person's name, "" where it is not known. content: of
    `shown` at the time of the page, as `ReviewSession.content` says; "" where the page did not say.
    """

    action: Action
    group_id: str
    part: Sequence[str]
    seen: int
    shown: Sequence[str]
    ticked: Sequence[str] = ()
    drawn: bool = False
    who: str = ""
    content: str = ""

    def labels(self, hashes: Mapping[str, str]) -> list[PairLabel]:
        """The labels of its pairs; `hashes` has the content hashes of `part`.

        Raises:
            UsageError: a split of all or none.
        """
        if self.action in (Action.CONFIRM, Action.MERGE):
            return all_same(self.part, hashes)
        if self.action is Action.REJECT and not self.ticked:
            return all_different(self.part, hashes)
        ticked = [id for id in self.part if id in set(self.ticked)]
        others = [id for id in self.part if id not in set(ticked)]
        if not ticked or not others:
            raise UsageError("tick the listings that are another product, and leave at least one unticked")
        return different_from(ticked, others, hashes)
