"""Measures the evidence on pairs of listings: scores, similarities, image hashes, words and conflicts."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Self

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from itemsearch.attributes.conflicts import find_conflicts
from itemsearch.columns import read_texts
from itemsearch.duplicates.pairs.columns import EQUAL, UNLIKE, CarriedColumns
from itemsearch.duplicates.pairs.conflicting import ConflictFinder
from itemsearch.duplicates.pairs.image_hash import ImageHashes, read_image_hashes
from itemsearch.duplicates.pairs.variants import AttributeReader, VariantRules
from itemsearch.duplicates.pairs.words import differing_words
from itemsearch.duplicates.types import EVIDENCE_SCHEMA, ROWS_SCHEMA
from itemsearch.indexes.arrays import Floats, Mask, Rows
from itemsearch.indexes.storage.vectors import AnyVectors
from itemsearch.ranking.pairs import PairReader, TitleNgrams
from itemsearch.ranking.ranking import Ranking
from itemsearch.ranking.score_model import ScoreModel

BLOCK_LISTINGS = 8192
_DIGITS = re.compile(r"\d+")
BLOCK_PAIRS = 8192
UNLIKE_TITLES = 0.15
"""Titles of a lower similarity share no more than a word or two: a guess."""
PICTURED = 0.9
"""The share of listings with pictures from which on a missing picture is doubted: a guess."""
ALIKE = 0.4
"""The joint cosine from which on two titles are read for conflicts."""


@dataclass(frozen=True, slots=True)
class PairScorer:
    """The ranking of a model, and the reader of its features."""

    reader: PairReader
    ranking: Ranking


@dataclass(frozen=True, slots=True)
class PairEvidence:
    """Measures pairs of N listings, by row. vectors: (N, E) of length 1. scorer: None without a
    ranking, where the score is the joint cosine."""

    listings: pa.Table
    vectors: AnyVectors
    scorer: PairScorer | None
    image_hashes: ImageHashes
    attributes: AttributeReader
    columns: CarriedColumns
    conflicts: ConflictFinder

    @classmethod
    def of(
        cls,
        listings: pa.Table,
        vectors: AnyVectors,
        score_model: ScoreModel | None,
        variant_rules: VariantRules,
        columns: CarriedColumns,
        progress: Callable[[int], None] = lambda rows: None,
        hashed: bool = True,
    ) -> Self:
        """Reads the title and the thumbnail of every listing.

        Args:
            progress: called with how many are read.
            hashed: whether thumbnails get perceptual hashes; without, `image_hash_distance` is null.

        Raises:
            UsageError: the variant rules name a column that is not there.
        """
        attributes = AttributeReader.of(variant_rules, listings)
        image_hashes, scorer = _image_hashes_of(listings, hashed, progress), None
        if score_model is not None:
            ngrams = [
                TitleNgrams.from_titles(read_texts(listings.slice(start, BLOCK_LISTINGS), "title"))
                for start in range(0, listings.num_rows, BLOCK_LISTINGS)
            ]
            modalities = _has_title(listings) + 2 * image_hashes.has_image.astype(np.int64)
            joined = TitleNgrams.joined([TitleNgrams.from_titles([]), *ngrams])
            reader = PairReader(score_model.reader, vectors, joined, modalities)
            scorer = PairScorer(reader, score_model.ranking)
        return cls(listings, vectors, scorer, image_hashes, attributes, columns, ConflictFinder(attributes))

    def measure(self, a: Rows, b: Rows) -> pa.Table:
        """Measures the (P,) pairs of rows: `ROWS_SCHEMA`, the numbers of `EVIDENCE_SCHEMA`, and besides:

        support: float32, the highest cosine of any feature. identifier: int8, the identifiers' level.
        conflict: whether variant rules or identifiers find a difference. doubt: as in `EVIDENCE_SCHEMA`.
        level_0, ...: int8, the level of each agreeing column.
        """
        if self.scorer is None:
            joint = self._cosines(a, b)
            score, title, image = joint, np.full(len(a), np.nan), np.full(len(a), np.nan)
            support = joint
        else:
            evidence = self.scorer.reader.compare(a, b, self.image_hashes.share_another(a, b))
            joint, title, image = evidence.joint, evidence.title_similarity, evidence.image_similarity
            score = self.scorer.ranking.score(evidence)
            support = np.maximum(joint, evidence.features.max(axis=1, initial=0.0))
        numbers = {"score": score, "joint": joint, "title_similarity": title, "image_similarity": image}
        identifier = self.columns.identifier_levels(a, b)
        levels = self.columns.levels(a, b)
        return pa.table(
            {
                "row_a": a,
                "row_b": b,
                **{
                    name: pa.array(values, pa.float32(), from_pandas=True) for name, values in numbers.items()
                },
                "same_image": self.image_hashes.same(a, b),
                "image_hash_distance": pa.array(
                    self.image_hashes.distance(a, b).astype(np.int8), mask=~self.image_hashes.known(a, b)
                ),
                "support": support.astype(np.float32),
                "identifier": identifier.astype(np.int8),
                "conflict": self._conflicts(a, b, (joint >= ALIKE) | (identifier >= EQUAL))
                | (identifier == UNLIKE),
                "doubt": self._doubts(a, b, title, identifier),
                **{f"level_{place}": column.astype(np.int8) for place, column in enumerate(levels.T)},
            }
        )

    def forgetting(self) -> Self:
        """Without what was kept of the titles that were compared."""
        return replace(self, conflicts=ConflictFinder(self.attributes))

    def describe(self, measured: pa.Table) -> pa.Table:
        """Adds ids, words and conflicts to what `measure` returned: `ROWS_SCHEMA` and `EVIDENCE_SCHEMA`."""
        a, b = measured["row_a"], measured["row_b"]
        words = [differing_words(*pair) for pair in zip(self._titles(a), self._titles(b), strict=True)]
        rows_a, rows_b = a.to_numpy(), b.to_numpy()
        attributes = zip(self.attributes.read(a), self.attributes.read(b), strict=True)
        conflicts = [find_conflicts(*pair) for pair in attributes]
        same_identifier: list[str | None] = [None] * len(conflicts)
        for column in self.columns.identifiers:
            levels = column.levels(rows_a, rows_b)
            for place in np.flatnonzero(levels >= EQUAL).tolist():
                same_identifier[place] = f"{column.name} {column.describe(rows_a[place])}"
            for place in np.flatnonzero(levels == UNLIKE).tolist():
                texts = (column.describe(rows_a[place]), column.describe(rows_b[place]))
                conflicts[place].append(f"{column.name}: {' / '.join(texts)}")
        columns = {
            "id_a": self.listings["id"].take(a),
            "id_b": self.listings["id"].take(b),
            "words_a": [first for first, _ in words],
            "words_b": [second for _, second in words],
            "same_identifier": same_identifier,
            "conflicts": conflicts,
            "doubt": measured["doubt"],
        }
        table = measured.select(ROWS_SCHEMA.names)
        for field in EVIDENCE_SCHEMA:
            values = columns[field.name] if field.name in columns else measured[field.name]
            table = table.append_column(
                field, values if isinstance(values, pa.ChunkedArray) else pa.array(values, field.type)
            )
        return table

    def _doubts(self, a: Rows, b: Rows, title_similarity: Floats, identifier: Rows) -> pa.Array:
        """(P,) the doubt about pairs of one picture, since shops show one for several products; and, where
        nearly all listings have pictures, about pairs without one, since siblings are told apart by it."""
        doubts: list[str | None] = [None] * len(a)
        has_image = self.image_hashes.has_image
        if len(has_image) and has_image.mean() >= PICTURED:
            for place in np.flatnonzero(~self.image_hashes.both(a, b) & (identifier < EQUAL)).tolist():
                doubts[place] = "a picture is missing"
        shown_twice = np.flatnonzero(self.image_hashes.same(a, b) & (identifier < EQUAL))
        titles = (read_texts(self.listings, "title", side[shown_twice]) for side in (a, b))
        for place, first, second in zip(shown_twice.tolist(), *titles, strict=True):
            numbers, others = set(_DIGITS.findall(first)), set(_DIGITS.findall(second))
            if numbers - others and others - numbers:
                doubts[place] = "one picture under two numbers"
            elif title_similarity[place] < UNLIKE_TITLES:
                doubts[place] = "one picture under unlike titles"
        return pa.array(doubts, pa.string())

    def _conflicts(self, a: Rows, b: Rows, may_be_one: Mask) -> Mask:
        """(P,) whether the variant rules find a conflict; pairs too unlike to be one product are not read."""
        conflicts = np.zeros(len(a), bool)
        alike = np.flatnonzero(may_be_one)
        conflicts[alike] = self.conflicts.find(a[alike], b[alike])
        return conflicts

    def _titles(self, rows: pa.ChunkedArray) -> list[str]:
        return read_texts(self.listings, "title", rows.to_numpy())

    def _cosines(self, a: Rows, b: Rows) -> Floats:
        """(P,) the joint cosines of pairs of rows."""
        cosines = [np.empty(0, np.float32)]
        for start in range(0, len(a), BLOCK_PAIRS):
            block = slice(start, start + BLOCK_PAIRS)
            cosines.append(np.einsum("pe,pe->p", self.vectors[a[block]], self.vectors[b[block]]))
        return np.clip(np.concatenate(cosines), -1, 1)


def _has_title(listings: pa.Table) -> npt.NDArray[np.int64]:
    """(N,) 1 where there is a title."""
    lengths: npt.NDArray[np.int64] = (
        pc.fill_null(pc.binary_length(listings["title"]), 0).to_numpy() > 0
    ).astype(np.int64)
    return lengths


def _image_hashes_of(listings: pa.Table, hashed: bool, progress: Callable[[int], None]) -> ImageHashes:
    """The image hashes of listings; tables of external embeddings have no thumbnails, hence no hashes."""
    if not {"thumbnail", "content_hash"} <= set(listings.column_names):
        return ImageHashes.of_none(listings.num_rows)
    others = listings["other_pictures"] if "other_pictures" in listings.column_names else None
    several = others is not None and others.null_count < len(others)
    return read_image_hashes(listings["thumbnail"], hashed or several, progress, others)
