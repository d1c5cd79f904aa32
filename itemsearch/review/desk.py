"""What the review application knows and does, pages and requests aside."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from threading import Lock
from typing import Self

from PIL import Image

from itemsearch.decisions.log import Decisions, Kind, content_hashes
from itemsearch.decisions.statements import Statement, all_different, apart, holding, same_product
from itemsearch.errors import ReviewError, UsageError
from itemsearch.review.board import Verdicts
from itemsearch.review.findings import Findings, Group, ListingCard, ListingCards, Shown, read_shown
from itemsearch.search.engine import Engine
from itemsearch.search.results import Hit

VARIANTS = 500
WEAKEST = 100
RESULTS = 24
RUN = "run.json"


@dataclass(frozen=True, slots=True)
class Choice:
    """What a person did with `part` of a group, or of two, having seen the events up to `seen`.

    ticked: of the part, the listings that are another product; only a split has any. shown: every listing
    that was on the page.
    """

    kind: Kind
    group_id: str
    part: Sequence[str]
    seen: int
    shown: Sequence[str]
    ticked: Sequence[str] = field(default=())


class Desk:
    """Groups to decide, the decisions on them, and searches; many threads may ask at once."""

    def __init__(self, engine: Engine, shown: Shown | None) -> None:
        self.engine = engine
        self.shown = shown
        self.decisions = Decisions.of_index(engine.folder)
        self.groups: Mapping[str, Group] = {group.id: group for group in shown.groups} if shown else {}
        self.group_of = {listing.id: group.id for group in self.groups.values() for listing in group.listings}
        self._verdicts = Verdicts.of(-1, ())
        self._searching = Lock()

    @classmethod
    def open(cls, folder: Path) -> Self:
        """Opens what `itemsearch duplicates` wrote into a folder, or an index alone.

        Raises:
            ReviewError: what a run wrote cannot be read.
            IndexFolderError: no index, or a damaged one.
        """
        if not (folder / RUN).exists():
            return cls(Engine.open(folder), None)
        try:
            index = Path(json.loads((folder / RUN).read_text("utf-8"))["index"])
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise ReviewError(
                f"{folder / RUN}: damaged ({error}); run itemsearch duplicates again"
            ) from error
        engine = Engine.open(index)
        findings = Findings.read(folder, engine.listings)
        return cls(engine, read_shown(findings, VARIANTS, WEAKEST))

    def verdicts(self) -> Verdicts:
        """What stands now; kept until somebody decides."""
        seen = self.decisions.last_change()
        if seen != self._verdicts.seen:
            statements = self.decisions.statements()
            about = {s.id_a for s in statements} | {s.id_b for s in statements}
            self._verdicts = Verdicts.of(seen, holding(statements, content_hashes(self.engine, about)))
        return self._verdicts

    def decide(self, choice: Choice) -> int:
        """Records a choice, and returns its event.

        Raises:
            UsageError: fewer than two listings, one that is not in the index, or a split of all or none.
            StaleDecisionError: somebody decided on one of the listings shown in the meantime.
            DecisionsError: it cannot be written.
        """
        hashes = content_hashes(self.engine, choice.part)
        if len(set(choice.part)) < 2 or set(choice.part) - hashes.keys():
            raise UsageError("a decision takes two or more listings that the index holds")
        return self.decisions.record(
            choice.kind, choice.group_id, _statements(choice, hashes), choice.seen, choice.shown
        )

    def listings(self, ids: Sequence[str]) -> list[ListingCard]:
        """Of those ids that the index holds."""
        listings = ListingCards(self.engine.listings)
        listings.read(ids)
        return [listings.known[id] for id in ids if id in listings.known]

    def search(self, id: str = "", words: str = "", picture: Image.Image | None = None) -> list[Hit]:
        """The listings most like an id, or like words and/or a picture.

        Raises:
            ItemSearchError: as `Engine.search`.
        """
        with self._searching:  # one model, and one computation that takes all processors
            found = self.engine.search(id=id or None, title=words, image=picture, k=RESULTS)
            return list(found.hits)

    def thumbnail(self, row: int) -> bytes | None:
        """A JPEG; None where there is no such row, or it has no picture."""
        products = self.engine.listings
        if "thumbnail" not in products.column_names or not 0 <= row < products.num_rows:
            return None
        held: bytes | None = products["thumbnail"][row].as_py()
        return held


def _statements(choice: Choice, hashes: Mapping[str, str]) -> list[Statement]:
    if choice.kind in (Kind.CONFIRM, Kind.MERGE):
        return same_product(choice.part, hashes)
    if choice.kind is Kind.REJECT and not choice.ticked:
        return all_different(choice.part, hashes)
    ticked = [id for id in choice.part if id in set(choice.ticked)]
    others = [id for id in choice.part if id not in set(ticked)]
    if not ticked or not others:
        raise UsageError("tick the listings that are another product, and leave at least one unticked")
    return apart(ticked, others, hashes)
