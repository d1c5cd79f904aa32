"""Everything that speaks for or against two listings being one product, for many pairs at once."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Self

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from itemsearch.duplicates.looks import Looks, read_looks
from itemsearch.duplicates.types import EVIDENCE_SCHEMA, ROWS_SCHEMA
from itemsearch.duplicates.variants import Guard, ListingReader, find_conflicts
from itemsearch.duplicates.words import differing_words
from itemsearch.ranking.pairs import PairReader, TitleNgrams
from itemsearch.ranking.ranking import Ranking
from itemsearch.search.ranker import Judgement

Floats = npt.NDArray[np.float32]
Rows = npt.NDArray[np.int64]

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

    products: pa.Table
    vectors: Floats
    weighing: Weighing | None
    looks: Looks
    listings: ListingReader

    @classmethod
    def of(
        cls,
        products: pa.Table,
        vectors: Floats,
        judgement: Judgement | None,
        guard: Guard,
        progress: Callable[[int], None] = lambda rows: None,
    ) -> Self:
        """Reads every product's title and thumbnail; `progress` hears how many.

        Raises:
            UsageError: the guard names a column that is not there.
        """
        listings = ListingReader.of(guard, products)
        looks, ngrams = [Looks.of_none(0)], [TitleNgrams.from_titles([])]
        for start in range(0, products.num_rows, BLOCK_LISTINGS):
            block = products.slice(start, BLOCK_LISTINGS)
            looks.append(_looks_of(block))
            ngrams.append(TitleNgrams.from_titles(titles_of(block) if judgement else []))
            progress(start + len(block))
        every, weighing = Looks.joined(looks), None
        if judgement is not None:
            joined = TitleNgrams.joined(ngrams)
            modalities = _has_title(products) + 2 * every.has_image.astype(np.int64)
            weighing = Weighing(PairReader(judgement.reader, vectors, joined, modalities), judgement.ranking)
        return cls(products, vectors, weighing, every, listings)

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
                "same_image": self.looks.same(a, b),
                "phash_distance": pa.array(
                    self.looks.distance(a, b).astype(np.int8), mask=~self.looks.both(a, b)
                ),
            }
        )

    def describe(self, measured: pa.Table) -> pa.Table:
        """What `measure` gave with ids, words and conflicts: `ROWS_SCHEMA` and `EVIDENCE_SCHEMA`."""
        a, b = measured["row_a"], measured["row_b"]
        words = [differing_words(*pair) for pair in zip(self._titles(a), self._titles(b), strict=True)]
        said = zip(self.listings.read(a), self.listings.read(b), strict=True)
        columns = {
            "id_a": self.products["id"].take(a),
            "id_b": self.products["id"].take(b),
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
        named = [name for name in ("id", "title") if name in self.products.column_names]
        return titles_of(self.products.select(named).take(rows))

    def _cosines(self, a: Rows, b: Rows) -> Floats:
        found = [np.empty(0, np.float32)]
        for start in range(0, len(a), BLOCK_PAIRS):
            block = slice(start, start + BLOCK_PAIRS)
            found.append(np.einsum("pe,pe->p", self.vectors[a[block]], self.vectors[b[block]]))
        return np.clip(np.concatenate(found), -1, 1)


def titles_of(products: pa.Table) -> list[str]:
    """Empty for none; a team's own table may lack the column."""
    if "title" not in products.column_names or not pa.types.is_string(products["title"].type):
        return [""] * products.num_rows
    return [title or "" for title in products["title"].to_pylist()]


def _has_title(products: pa.Table) -> npt.NDArray[np.int64]:
    """(N,) 1 where there is a title."""
    lengths: npt.NDArray[np.int64] = (
        pc.fill_null(pc.binary_length(products["title"]), 0).to_numpy() > 0
    ).astype(np.int64)
    return lengths


def _looks_of(products: pa.Table) -> Looks:
    """A team's own table has no thumbnails of ours."""
    if not {"thumbnail", "content_hash"} <= set(products.column_names):
        return Looks.of_none(products.num_rows)
    return read_looks(products["thumbnail"])
