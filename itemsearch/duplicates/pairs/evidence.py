"""Everything that speaks for or against two listings being one product, for many pairs at once."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Self

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from itemsearch.duplicates.pairs.image_hash import ImageHashes, read_image_hashes
from itemsearch.duplicates.pairs.variants import ListingReader, VariantRules, find_conflicts
from itemsearch.duplicates.pairs.words import differing_words
from itemsearch.duplicates.types import EVIDENCE_SCHEMA, ROWS_SCHEMA
from itemsearch.indexes.arrays import Floats, Rows
from itemsearch.ranking.pairs import PairReader, TitleNgrams
from itemsearch.ranking.ranking import Ranking
from itemsearch.search.ranker import Judgement

BLOCK_LISTINGS = 8192
BLOCK_PAIRS = 8192


@dataclass(frozen=True, slots=True)
class Weighing:
    """How a pair gets its score; where a model has no ranking, the score is the joint cosine."""

    reader: PairReader
    ranking: Ranking


@dataclass(frozen=True, slots=True)
class PairEvidence:
    """The evidence on pairs of N products, by row. vectors: (N, E) of length 1."""

    listings: pa.Table
    vectors: Floats
    weighing: Weighing | None
    image_hashes: ImageHashes
    attributes: ListingReader

    @classmethod
    def of(
        cls,
        listings: pa.Table,
        vectors: Floats,
        judgement: Judgement | None,
        guard: VariantRules,
        progress: Callable[[int], None] = lambda rows: None,
    ) -> Self:
        """Reads every product's title and thumbnail; `progress` hears how many.

        Raises:
            UsageError: the guard names a column that is not there.
        """
        attributes = ListingReader.of(guard, listings)
        image_hashes, ngrams = [ImageHashes.of_none(0)], [TitleNgrams.from_titles([])]
        for start in range(0, listings.num_rows, BLOCK_LISTINGS):
            block = listings.slice(start, BLOCK_LISTINGS)
            image_hashes.append(_image_hashes_of(block))
            ngrams.append(TitleNgrams.from_titles(titles_of(block) if judgement else []))
            progress(start + len(block))
        every, weighing = ImageHashes.joined(image_hashes), None
        if judgement is not None:
            joined = TitleNgrams.joined(ngrams)
            modalities = _has_title(listings) + 2 * every.has_image.astype(np.int64)
            weighing = Weighing(PairReader(judgement.reader, vectors, joined, modalities), judgement.ranking)
        return cls(listings, vectors, weighing, every, attributes)

    def measure(self, a: Rows, b: Rows) -> pa.Table:
        """The numbers of `EVIDENCE_SCHEMA`, and row_a, row_b, of (P,) pairs."""
        if self.weighing is None:
            joint = self._cosines(a, b)
            score, title, image = joint, np.full(len(a), np.nan), np.full(len(a), np.nan)
        else:
            evidence = self.weighing.reader.compare(a, b)
            joint, title, image = evidence.joint, evidence.title, evidence.image
            score = self.weighing.ranking.score(evidence)
        numbers = {"score": score, "joint": joint, "title": title, "image": image}
        return pa.table(
            {
                "row_a": a,
                "row_b": b,
                **{
                    name: pa.array(values, pa.float32(), from_pandas=True) for name, values in numbers.items()
                },
                "same_image": self.image_hashes.same(a, b),
                "phash_distance": pa.array(
                    self.image_hashes.distance(a, b).astype(np.int8), mask=~self.image_hashes.both(a, b)
                ),
            }
        )

    def describe(self, measured: pa.Table) -> pa.Table:
        """What `measure` gave with ids, words and conflicts: `ROWS_SCHEMA` and `EVIDENCE_SCHEMA`."""
        a, b = measured["row_a"], measured["row_b"]
        words = [differing_words(*pair) for pair in zip(self._titles(a), self._titles(b), strict=True)]
        said = zip(self.attributes.read(a), self.attributes.read(b), strict=True)
        columns = {
            "id_a": self.listings["id"].take(a),
            "id_b": self.listings["id"].take(b),
            "words_a": [first for first, _ in words],
            "words_b": [second for _, second in words],
            "conflicts": [find_conflicts(*pair) for pair in said],
        }
        table = measured.select(ROWS_SCHEMA.names)
        for field in EVIDENCE_SCHEMA:
            held = columns.get(field.name)
            held = measured[field.name] if held is None else held
            table = table.append_column(
                field, held if isinstance(held, pa.ChunkedArray) else pa.array(held, field.type)
            )
        return table

    def _titles(self, rows: pa.ChunkedArray) -> list[str]:
        named = [name for name in ("id", "title") if name in self.listings.column_names]
        return titles_of(self.listings.select(named).take(rows))

    def _cosines(self, a: Rows, b: Rows) -> Floats:
        found = [np.empty(0, np.float32)]
        for start in range(0, len(a), BLOCK_PAIRS):
            block = slice(start, start + BLOCK_PAIRS)
            found.append(np.einsum("pe,pe->p", self.vectors[a[block]], self.vectors[b[block]]))
        return np.clip(np.concatenate(found), -1, 1)


def titles_of(listings: pa.Table) -> list[str]:
    """Empty for none; a team's own table may lack the column."""
    if "title" not in listings.column_names or not pa.types.is_string(listings["title"].type):
        return [""] * listings.num_rows
    return [title or "" for title in listings["title"].to_pylist()]


def _has_title(listings: pa.Table) -> npt.NDArray[np.int64]:
    """(N,) 1 where there is a title."""
    lengths: npt.NDArray[np.int64] = (
        pc.fill_null(pc.binary_length(listings["title"]), 0).to_numpy() > 0
    ).astype(np.int64)
    return lengths


def _image_hashes_of(listings: pa.Table) -> ImageHashes:
    """A team's own table has no thumbnails of ours."""
    if not {"thumbnail", "content_hash"} <= set(listings.column_names):
        return ImageHashes.of_none(listings.num_rows)
    return read_image_hashes(listings["thumbnail"])
