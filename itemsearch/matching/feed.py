"""Matches a feed, a catalog of incoming listings, and writes a file of matches."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from itemsearch.catalog import (
    CatalogConfig,
    ImageProblemCount,
    ImageProblemTally,
    find_placeholders,
    open_catalog,
)
from itemsearch.catalog.reject_tally import ReasonCount, RejectTally
from itemsearch.duplicates.pairs.decide import Thresholds
from itemsearch.matching.incoming import Incoming
from itemsearch.matching.matcher import MatchConfig, Matcher
from itemsearch.matching.results import MATCHES_SCHEMA, Answer, Match, matches_table
from itemsearch.search.engine import Engine
from itemsearch.table_files import check_out, writing
from itemsearch.types import Listing, Reject, RowBatch

BLOCK_ROWS = 10_000
"""So many rows are compared with each other and in memory at once, about 100 MB of them."""


@dataclass(frozen=True, slots=True)
class MatchReport:
    """Counts of a feed: rows = answered + rejected. frequent_reasons: the five most frequent reasons of the
    rejected, each with an example. answers: the answered by `Answer`. same_in_feed: rows that are the same
    product as another row. image_problems: the answered that have a picture which cannot be used, by reason,
    the most frequent first. columns: evidence beside title and picture. learnt_from, and thresholds: what the
    answers depend on."""

    rows: int
    answered: int
    rejected: int
    frequent_reasons: tuple[ReasonCount, ...]
    answers: Mapping[str, int]
    same_in_feed: int
    image_problems: Mapping[str, ImageProblemCount]
    columns: tuple[str, ...]
    learnt_from: str
    thresholds: Thresholds


@dataclass(slots=True)
class Twins:
    """Tells rows of a feed that are one product, whatever block they are in: rows that match one listing, or
    have one title and picture.

    Memory grows with the ids of the rows. of_listing: id of a listing to the first row that matches it.
    of_content: content hash to the first row.
    """

    of_listing: dict[str, str] = field(default_factory=dict)
    of_content: dict[str, str] = field(default_factory=dict)

    def tell(self, matches: Sequence[Match], hashes: Sequence[str]) -> list[Match]:
        """The matches with `same_in_feed` where it was missing. hashes: content hashes of the same rows."""
        keys = [
            (match.id if match.decision is Answer.MATCH else None, digest)
            for match, digest in zip(matches, hashes, strict=True)
        ]
        last: tuple[dict[str, str], dict[str, str]] = ({}, {})
        for match, (listing, digest) in zip(matches, keys, strict=True):
            if listing is not None:
                self.of_listing.setdefault(listing, match.query_id)
                last[0][listing] = match.query_id
            self.of_content.setdefault(digest, match.query_id)
            last[1][digest] = match.query_id
        told = []
        for match, (listing, digest) in zip(matches, keys, strict=True):
            others = [self.of_content[digest], last[1][digest]]
            others += [] if listing is None else [self.of_listing[listing], last[0][listing]]
            other = next((id for id in others if id != match.query_id), None)
            told.append(match if match.same_in_feed else replace(match, same_in_feed=other))
        return told


def match_feed(
    engine: Engine,
    feed: CatalogConfig,
    out: Path,
    config: MatchConfig,
    on_reject: Callable[[Reject], None],
    progress: Callable[[int], None],
) -> MatchReport:
    """Matches a feed block by block and writes `MATCHES_SCHEMA` to the file `out`.

    Memory holds `BLOCK_ROWS` rows, and every row's id. What the first block teaches decides the others. The
    feed is read twice: first to find its placeholders, as `embed_catalog` does; those of the index's catalog
    stand for no product either.

    Args:
        on_reject: called with each row that cannot be read.
        progress: called with how many rows were read so far.

    Raises:
        CatalogError: the feed as a whole cannot be read.
        ModelMismatchError: the model is not the one that made the index.
        UsageError: `out` is the feed, a column that the index or the feed lacks, or no finished run.
    """
    catalog = open_catalog(feed)
    check_out("--out", out, [Path(feed.path), *(table.source.path for table in catalog.tables)])
    placeholders = (*(each.digest for each in find_placeholders(catalog)), *engine.summary.placeholders)
    matcher = Matcher(engine, catalog.carried.names, config)
    reader = _Reader(engine, matcher, on_reject, progress)
    answers: Counter[str] = Counter()
    same, twins = 0, Twins()
    with writing(out, MATCHES_SCHEMA) as file:
        for block in reader.blocks(catalog.batches(placeholders=placeholders)):
            matches = twins.tell(matcher.match(block), block.table["content_hash"].to_pylist())
            file.write(matches_table(matches))
            answers.update(match.decision.value for match in matches)
            same += sum(match.same_in_feed is not None for match in matches)
    answered = answers.total()
    assert reader.rows == answered + reader.rejected, f"{reader.rows} rows in, {answered} answered"
    return MatchReport(
        reader.rows,
        answered,
        reader.rejected,
        reader.tally.most_frequent(),
        {answer.value: answers[answer] for answer in Answer},
        same,
        reader.image_problems.counts(),
        matcher.shared,
        matcher.learnt.basis if matcher.learnt else "nothing: no row could be read",
        matcher.learnt.thresholds if matcher.learnt else Thresholds(config.min_precision),
    )


@dataclass(slots=True)
class _Reader:
    """Embeds the batches of a feed and joins them to blocks; counts rows."""

    engine: Engine
    matcher: Matcher
    on_reject: Callable[[Reject], None]
    progress: Callable[[int], None]
    rows: int = 0
    tally: RejectTally = field(default_factory=RejectTally)
    image_problems: ImageProblemTally = field(default_factory=ImageProblemTally)

    @property
    def rejected(self) -> int:
        return self.tally.counts.total()

    def blocks(self, batches: Iterator[RowBatch[Listing]]) -> Iterator[Incoming]:
        parts: list[Incoming] = []
        for batch in batches:
            for reject in batch.rejects:
                self.on_reject(reject)
            self.tally.add(batch.rejects)
            self.rows += batch.rows
            self.image_problems.add(batch.items)
            if batch.items:
                encoder = self.engine.encoder
                parts.append(Incoming.embed(batch.items, batch.carried, self.matcher.shared, encoder))
            self.progress(self.rows)
            if sum(map(len, parts)) >= BLOCK_ROWS:
                yield Incoming.joined(parts)
                parts = []
        if parts:
            yield Incoming.joined(parts)
