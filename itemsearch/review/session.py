"""The state and the actions of the review application, without its pages and requests."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from hashlib import blake2b
from pathlib import Path
from threading import Lock
from typing import Self

import numpy as np
import pyarrow as pa
from PIL import Image

from itemsearch.decisions.events import Action
from itemsearch.decisions.of_index import CurrentDecisions
from itemsearch.decisions.pair_labels import all_same
from itemsearch.decisions.remarks import Remarks
from itemsearch.decode import decode
from itemsearch.duplicates.groups.form import DEFAULT_GROUPS, GroupSettings
from itemsearch.duplicates.groups.keeper import rank_keepers
from itemsearch.duplicates.groups.unaided import UnaidedGroups, checked_tiers, unaided_groups
from itemsearch.duplicates.pairs.decide import Thresholds
from itemsearch.duplicates.run_folder import AGAIN, RUN, index_of, read_run, read_tables
from itemsearch.errors import ReviewError, StaleDecisionError, UsageError
from itemsearch.probability.estimate import Checked
from itemsearch.review.cards import Cards, GroupCard, ListingCard, ListingCardReader, read_cards
from itemsearch.review.decision_request import DecisionRequest
from itemsearch.review.kept_searches import KeptSearches
from itemsearch.review.outcome import NothingFound
from itemsearch.review.pictures import LargePictures
from itemsearch.review.standing import StandingLabels
from itemsearch.review.watch import Stamp, Watch, mark
from itemsearch.search.engine import Engine
from itemsearch.search.results import Hit

DECIDING = (Action.CONFIRM, Action.REJECT, Action.SPLIT, Action.MERGE)
VARIANTS = 500
WEAKEST = 100
RESULTS = 24
"""The largest numbers of variants, of weakest pairs and of search results that pages show."""


class ReviewSession:
    """The groups to decide, the decisions on them, and searches; safe to use from many threads."""

    def __init__(
        self,
        engine: Engine,
        cards: Cards | None,
        settings: GroupSettings = DEFAULT_GROUPS,
        unaided: UnaidedGroups | None = None,
        watch: Watch | None = None,
        pictures: LargePictures | None = None,
        nothing: NothingFound | None = None,
    ) -> None:
        self.engine = engine
        self.cards = cards
        self.settings = settings
        self.unaided = unaided or {}
        self.pictures = pictures or LargePictures.open(engine.listings, engine.summary)
        self.nothing = nothing
        self.current = CurrentDecisions(engine)
        self.decisions = self.current.log
        self.groups: Mapping[str, GroupCard] = {group.id: group for group in cards.groups} if cards else {}
        self.group_of = {listing.id: group.id for group in self.groups.values() for listing in group.listings}
        self.proposed = {group.members[0].listing.id for group in self.groups.values()}
        self.watch = watch or Watch(engine.folder, None, engine.folder, Stamp("", engine.summary.version))
        self._hash_of = {
            listing.id: listing.content_hash for group in self.groups.values() for listing in group.listings
        }
        self._unaided_tier = _tiers_of_cards(self.unaided, self.groups, self.group_of)
        self._standing = StandingLabels()
        self.by_picture = KeptSearches()
        self._searching = Lock()

    @classmethod
    def open(cls, folder: Path, index: Path | None = None, images: str = "") -> Self:
        """Opens a folder of `itemsearch duplicates`, or an index alone, to search.

        Args:
            index: of the run, where it is no longer where the run found it. images: where larger pictures
                are, as for `LargePictures.open`.

        Raises:
            ReviewError: the folder is damaged, or another version of itemsearch wrote it.
            IndexFolderError: no index, or a damaged one.
        """
        return cls._opened(folder, index, lambda path: Engine.open(path), images)

    def reopened(self) -> Self:
        """Opens what is there now in place of this session; it shares a loaded encoder.

        Raises:
            ReviewError, IndexFolderError: as `open`.
        """

        def open_engine(path: Path) -> Engine:
            return self.engine.reopened() if path == self.engine.folder else Engine.open(path)

        return self._opened(self.watch.folder, self.watch.option, open_engine, self.pictures.where)

    @classmethod
    def _opened(
        cls, folder: Path, index: Path | None, open_engine: Callable[[Path], Engine], images: str
    ) -> Self:
        if not (folder / RUN).exists():
            engine = open_engine(index or folder)
            pictures = LargePictures.open(engine.listings, engine.summary, images)
            watch = Watch(folder, index, engine.folder, Stamp("", engine.summary.version))
            return cls(engine, None, watch=watch, pictures=pictures)
        run_mark = mark(folder / RUN)  # before it is read: what is written meanwhile is newer
        try:
            run = read_run(folder)
        except (OSError, ValueError) as error:
            raise ReviewError(str(error)) from error
        try:
            settings, thresholds = decode(GroupSettings, run["groups"]), decode(Thresholds, run["thresholds"])
        except (KeyError, ValueError) as error:
            raise ReviewError(f"{folder / RUN}: damaged ({error}); {AGAIN}") from error
        engine = open_engine(index or index_of(folder, run))
        tables = read_tables(folder, engine.listings)
        unaided = unaided_groups(tables, settings, thresholds)
        watch = Watch(folder, index, engine.folder, Stamp(run_mark, engine.summary.version))
        pictures = LargePictures.open(engine.listings, engine.summary, images)
        cards, nothing = read_cards(tables, VARIANTS, WEAKEST), NothingFound.of_run(run)
        return cls(engine, cards, settings, unaided, watch, pictures, nothing)

    def labels(self) -> StandingLabels:
        """What people decided and remarked, cached until the next decision."""
        seen, people = self.current.read()
        before = self._standing
        if seen != before.seen:
            remarks = before.remarks
            if self.decisions.remarked_since(before.seen):
                remarks = Remarks.of(self.decisions.remarks())
            self._standing = StandingLabels.of(seen, people, remarks, self.groups.values())
        return self._standing

    def decide(self, request: DecisionRequest) -> int:
        """Records a decision, and returns the number of its event.

        Raises:
            UsageError: fewer than two listings, one that is not in the index, or a split of all or none.
            StaleDecisionError: somebody decided on one of the listings shown in the meantime, or one of them
                changed.
            DecisionsError: the log cannot be written.
        """
        if request.action not in DECIDING:
            raise UsageError(f"{request.action} is no decision on one group")
        self._check_content(request)
        hashes = self._hashes(request.part)
        group = self.groups.get(request.group_id)
        return self.decisions.record(
            request.action,
            request.group_id,
            request.labels(hashes),
            request.seen,
            request.shown,
            self.drawn_from(group) if request.drawn and group else "",
            request.who,
        )

    def keep(self, keeper: str, request: DecisionRequest) -> int:
        """Records that of the listings of `request.part` this one is to be kept; the number of the event.

        Raises:
            UsageError: the keeper is none of them, or the index lacks one.
            StaleDecisionError, DecisionsError: as `decide`.
        """
        self._check_content(request)
        hashes = self._hashes(request.part)
        if keeper not in hashes:
            raise UsageError(f"{keeper!r} is not one of the listings: choose one of them to keep")
        return self.decisions.choose_keeper(
            keeper, request.group_id, hashes, request.seen, request.shown, request.who
        )

    def accept(self, groups: Sequence[GroupCard], seen: int, who: str) -> int:
        """Records that each of `groups` is one product, as one event; pairs with a label keep it.

        Raises:
            UsageError: no groups.
            StaleDecisionError, DecisionsError: as `decide`.
        """
        known = self.labels().people.labels
        shown = [listing.id for group in groups for listing in group.listings]
        hashes = self.current.content_hashes(shown)
        labels = [
            label
            for group in groups
            for label in all_same([listing.id for listing in group.listings], hashes)
            if (label.id_a, label.id_b) not in known
        ]
        if not labels:
            raise UsageError("there is no group to accept")
        return self.decisions.record(Action.ACCEPT, "", labels, seen, shown, who=who)

    def keeper(self, labels: StandingLabels, ids: Sequence[str]) -> str:
        """The one of `ids` to be kept: what a person chose last, or else what the run proposed or would."""
        choice = labels.people.keeper(ids)
        if choice is not None:
            return choice.id
        proposed = [id for id in ids if id in self.proposed]
        if len(proposed) == 1:
            return proposed[0]
        rows = np.array([self.engine.row_of(id) for id in ids])
        return ids[int(rank_keepers(self.engine.listings, rows, self.settings.keep_by).argmin())]

    def remark(self, action: Action, group_id: str, ids: Sequence[str], text: str, who: str) -> int:
        """Records a note on listings, or their assignment to a person; the number of the event.

        Raises:
            UsageError: no listings, one that is not in the index, or no words.
            DecisionsError: the log cannot be written.
        """
        if not ids or set(ids) - self.current.content_hashes(ids).keys():
            raise UsageError("a note or an assignment takes listings that the index holds")
        if action is Action.NOTE and not text:
            raise UsageError("the note is empty: write what the others shall know")
        return self.decisions.remark(action, group_id, ids, text, who)

    def content(self, ids: Iterable[str]) -> str:
        """What listings are now: another text once one of them changed."""
        named = sorted(set(ids))
        other = [id for id in named if id not in self._hash_of]
        found = self.current.content_hashes(other)
        parts = [f"{id}\0{self._hash_of.get(id) or found.get(id, '')}" for id in named]
        return blake2b("\0\0".join(parts).encode(), digest_size=8).hexdigest()

    def _check_content(self, request: DecisionRequest) -> None:
        if request.content and request.content != self.content(request.shown):
            raise StaleDecisionError("one of the listings has changed since this page was made")

    def _hashes(self, part: Sequence[str]) -> Mapping[str, str]:
        hashes = self.current.content_hashes(part)
        if len(set(part)) < 2 or set(part) - hashes.keys():
            raise UsageError("a decision takes two or more listings that the index holds: tick them")
        return hashes

    def drawable(self, tier: str) -> list[GroupCard]:
        """The groups that a sample of a tier is drawn from, with those that the run has as confirmed because
        they were accepted unseen: without them it would be a sample of the doubtful rest."""
        return [self.groups[id] for id, each in self._unaided_tier.items() if each == tier]

    def drawn_from(self, group: GroupCard) -> str:
        """The tier that a group is drawn from: its own, were it not for the decisions of people."""
        return self._unaided_tier.get(group.id, group.tier.value)

    def checked(self) -> Mapping[str, Checked]:
        """Tier to what people found of the groups that were drawn from it."""
        return checked_tiers(self.unaided, list(self.labels().people.labels.values()))

    def listings(self, ids: Sequence[str]) -> list[ListingCard]:
        """The cards of those of `ids` that the index holds."""
        reader = ListingCardReader(self.engine.listings)
        rows = {self.engine.find_row(id) for id in ids} - {None}
        reader.read_rows(pa.array(rows, pa.int64()))
        return [reader.known[id] for id in ids if id in reader.known]

    def search(self, id: str = "", words: str = "", picture: Image.Image | None = None) -> list[Hit]:
        """The listings most similar to an id, or to words, a picture or both.

        Raises:
            ItemSearchError: as `Engine.search`.
        """
        with self._searching:  # the searches share one model, and each takes all processors
            return list(self.engine.search(id=id or None, title=words, image=picture, k=RESULTS).hits)

    def thumbnail(self, row: int) -> bytes | None:
        """The JPEG of a row; None where the index lacks the row, or the row a picture."""
        listings = self.engine.listings
        if "thumbnail" not in listings.column_names or not 0 <= row < listings.num_rows:
            return None
        jpeg: bytes | None = listings["thumbnail"][row].as_py()
        return jpeg


def _tiers_of_cards(
    unaided: UnaidedGroups, groups: Mapping[str, GroupCard], group_of: Mapping[str, str]
) -> dict[str, str]:
    """Group id to the tier that it has without the decisions of people, of groups with the same listings
    then."""
    tiers: dict[str, str] = {}
    for tier, members in unaided.items():
        for ids in members:
            group = groups.get(group_of.get(ids[0], ""))
            if group and {listing.id for listing in group.listings} == set(ids):
                tiers[group.id] = tier
    return tiers
