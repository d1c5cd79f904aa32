"""Compares incoming listings with their candidates in an index and with each other."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np
import pyarrow as pa

from itemsearch.duplicates.pairs.candidates import DEFAULT_CANDIDATES
from itemsearch.duplicates.pairs.columns import CarriedColumns, IdentifierColumn
from itemsearch.duplicates.pairs.evidence import PairEvidence
from itemsearch.duplicates.pairs.learn import compared_pairs, match_scores
from itemsearch.duplicates.pairs.variants import VariantRules
from itemsearch.indexes.arrays import Doubles, Floats, Rows, unique
from itemsearch.matching.incoming import Incoming, texts_of
from itemsearch.matching.rivals import HEADS, Alike
from itemsearch.search.engine import Engine

NEIGHBOURS = DEFAULT_CANDIDATES.neighbours
BLOCK_QUERIES = 1024


@dataclass(frozen=True, slots=True)
class Compared:
    """B incoming listings and their candidates: rows 0 to B - 1 of the evidence, and those from B on.

    index_rows: (C,) the candidates' rows in the index. cross: what `PairEvidence.measure` returns of pairs of
    an incoming listing, row_a, and a candidate; strength (P,): the log-odds of their evidence. within: of
    pairs of incoming listings. alike: the strengths of pairs of candidates of one listing.
    """

    evidence: PairEvidence
    incoming: int
    index_rows: Rows
    cross: pa.Table
    strength: Doubles
    within: pa.Table
    alike: Alike

    @property
    def total(self) -> int:
        """How many rows the evidence has."""
        return self.incoming + len(self.index_rows)

    @property
    def rows(self) -> Rows:
        """(B,) of the incoming listings."""
        return np.arange(self.incoming)


@dataclass(frozen=True, slots=True)
class KnownIdentifiers:
    """An identifier column of the whole index, and the rows that have each identifier."""

    column: IdentifierColumn
    rows: Mapping[str, Sequence[int]]

    @classmethod
    def of(cls, column: IdentifierColumn) -> Self:
        rows: dict[str, list[int]] = {}
        for row, identifier in enumerate(column.identifiers):
            if identifier is not None:
                rows.setdefault(identifier.text, []).append(row)
        return cls(column, rows)


@dataclass(frozen=True, slots=True)
class Comparer:
    """What incoming listings are compared by. known: the shared identifiers of the whole index."""

    engine: Engine
    shared: tuple[str, ...]
    identifiers: tuple[str, ...]
    compared: tuple[str, ...]
    rules: VariantRules
    known: tuple[KnownIdentifiers, ...]

    @classmethod
    def of(
        cls,
        engine: Engine,
        shared: tuple[str, ...],
        identifiers: Sequence[str],
        compared: Sequence[str],
        rules: VariantRules,
    ) -> Self:
        """Reads the identifiers of the index in the `shared` columns."""
        table = engine.listings.select(list(shared))
        columns = CarriedColumns.of(table, identifiers, compared).identifiers if shared else ()
        known = tuple(map(KnownIdentifiers.of, columns))
        return cls(engine, shared, tuple(identifiers), tuple(compared), rules, known)

    def compare(self, incoming: Incoming) -> Compared:
        """Compares incoming listings with their nearest and same-named candidates, and with each other."""
        query, candidate = self._candidates(incoming)
        index_rows = unique(candidate)
        evidence = self._evidence(incoming, index_rows)
        count = len(incoming)
        cross = evidence.measure(query, count + np.searchsorted(index_rows, candidate))
        within = evidence.measure(*self._within(incoming, evidence.columns))
        strength, alike = _strengths(cross, evidence)
        return Compared(evidence, count, index_rows, cross, strength, within, alike)

    def _candidates(self, incoming: Incoming) -> tuple[Rows, Rows]:
        """(P,) and (P,) incoming listings and rows of the index, each pair once, in order."""
        engine, total = self.engine, self.engine.summary.rows
        near = engine.index.search(incoming.vectors, min(NEIGHBOURS, total), exclude=incoming.exclude)[1]
        query = np.repeat(np.arange(len(incoming)), near.shape[1])
        query, candidate = query[near.ravel() >= 0], near[near >= 0]
        found = [np.stack([query, candidate])]
        for known in self.known:
            of_feed = IdentifierColumn.of(incoming.table, known.column.name)
            found += [
                np.array([[place] * len(rows), rows])
                for place, each in enumerate(of_feed.identifiers)
                if each is not None and (rows := known.rows.get(each.text))
            ]
        query, candidate = np.concatenate(found, axis=1)
        other = candidate != incoming.exclude[query]
        keys = unique(query[other] * total + candidate[other])
        return keys // total, keys % total

    def _evidence(self, incoming: Incoming, index_rows: Rows) -> PairEvidence:
        candidates = texts_of(self.engine.listings, index_rows, self.shared)
        for known in self.known:  # what many listings of the whole index share counts for nothing
            name, identifiers = known.column.name, known.column.identifiers
            cells = candidates[name].to_pylist()
            cells = [
                cell if identifiers[row] else None
                for cell, row in zip(cells, index_rows.tolist(), strict=True)
            ]
            place = candidates.column_names.index(name)
            candidates = candidates.set_column(place, name, pa.array(cells, pa.string()))
        table = pa.concat_tables([incoming.table, candidates])
        vectors = np.concatenate([incoming.vectors, np.asarray(self.engine.vectors[index_rows])])
        columns = CarriedColumns.of(table, self.identifiers, self.compared)
        # Perceptual hashes propose pairs; here the nearest embeddings and identifiers do.
        return PairEvidence.of(table, vectors, self.engine.score_model, self.rules, columns, hashed=False)

    def _within(self, incoming: Incoming, columns: CarriedColumns) -> tuple[Rows, Rows]:
        """(P,) and (P,) pairs of incoming listings: nearest neighbours, and those of one identifier."""
        count = len(incoming)
        a, b = _nearest(incoming.vectors, min(NEIGHBOURS, count - 1))
        for column in columns.identifiers:
            pairs = column.pairs()
            inside = (pairs[0] < count) & (pairs[1] < count)
            a, b = np.append(a, pairs[0][inside]), np.append(b, pairs[1][inside])
        keys = unique(np.minimum(a, b) * count + np.maximum(a, b))
        return keys // max(count, 1), keys % max(count, 1)


def _strengths(cross: pa.Table, evidence: PairEvidence) -> tuple[Doubles, Alike]:
    """(P,) the strengths of pairs with candidates, and those of a listing's best candidates with each other,
    and of its best one with the others: a crowd has more members than the best."""
    query, candidate = (cross[name].to_numpy() for name in ("row_a", "row_b"))
    order = np.lexsort((-cross["score"].to_numpy(), query))
    place = np.arange(len(order)) - np.searchsorted(query[order], query[order])  # among the listing's own
    best = order[place < HEADS]
    a, b = [np.empty(0, np.int64)], [np.empty(0, np.int64)]
    for step in range(1, HEADS):
        same = query[best[:-step]] == query[best[step:]]
        a.append(candidate[best[:-step][same]])
        b.append(candidate[best[step:][same]])
    first = order[place == 0][np.searchsorted(query[order[place == 0]], query)]
    others = candidate[first] != candidate
    a.append(candidate[first][others])
    b.append(candidate[others])
    one, other = np.concatenate(a), np.concatenate(b)
    total = evidence.listings.num_rows
    keys = unique(np.minimum(one, other) * total + np.maximum(one, other))
    rows = keys // total, keys % total
    every = pa.concat_tables([cross, evidence.measure(*rows)])
    listings = np.arange(total)
    strength = compared_pairs(every, match_scores(every, evidence), listings).strength
    pairs = zip(rows[0].tolist(), rows[1].tolist(), strict=True)
    return strength[: len(query)], dict(zip(pairs, strength[len(query) :].tolist(), strict=True))


def _nearest(vectors: Floats, neighbours: int) -> tuple[Rows, Rows]:
    """(P,) and (P,) each of (B, E) vectors with its nearest others, by cosine."""
    a, b = [np.empty(0, np.int64)], [np.empty(0, np.int64)]
    for start in range(0, len(vectors) if neighbours > 0 else 0, BLOCK_QUERIES):
        alike = vectors[start : start + BLOCK_QUERIES] @ vectors.T
        rows = np.arange(start, start + len(alike))
        alike[np.arange(len(rows)), rows] = -np.inf
        near = np.argpartition(-alike, neighbours - 1, axis=1)[:, :neighbours]
        a.append(np.repeat(rows, neighbours))
        b.append(near.ravel())
    return np.concatenate(a), np.concatenate(b)
