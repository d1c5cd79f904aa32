"""predictions.parquet: the answers of every method to every query. All figures of a run come from it.

A row holds one method's answers to one query in one gallery; a row group holds one method in one gallery.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from itemsearch.benchmarks.metrics.ranked import Answers
from itemsearch.errors import CatalogError, UsageError
from itemsearch.indexes.arrays import Rows
from itemsearch.indexes.durable import replacing

PREDICTIONS = "predictions.parquet"
OURS = "itemsearch"
"""The method of our first model."""
EVERYTHING, OWN_CATEGORY = "all products", "own category"
"""The names of the galleries."""
NAMES = pa.dictionary(pa.int32(), pa.string())
SCHEMA = pa.schema(
    {
        "gallery": NAMES,
        "method": NAMES,
        "query_id": pa.string(),
        "product": pa.string(),
        "category": NAMES,
        "modality": NAMES,
        "edits": pa.list_(NAMES),
        "right_id": pa.string(),
        "relevant": pa.int32(),
        "answers": pa.list_(pa.string()),
        "scores": pa.list_(pa.float32()),
        "right": pa.list_(pa.bool_()),
        "found_category": NAMES,
    }
)
"""product: the product of the query; queries of one product are drawn together in the bootstrap. right_id:
the id of a right answer. relevant: the number of right answers. answers, scores, right: best first.
found_category: the category of the first answer, "" without answers."""
QUERY_COLUMNS = ("query_id", "product", "category", "modality", "edits", "right_id")


def model_label(name: str, place: int) -> str:
    """The method of the model that was given at `place`, from 0."""
    return f"{OURS} {place + 1} ({Path(name).name})" if place else OURS


@dataclass(frozen=True, slots=True)
class QueryFacts:
    """The columns of Q queries that are the same for every method; see `SCHEMA`."""

    query_ids: Sequence[str]
    products: Sequence[str]
    categories: Sequence[str]
    modalities: Sequence[str]
    edits: Sequence[Sequence[str]]
    right_ids: Sequence[str]

    def take(self, rows: Rows) -> QueryFacts:
        """The facts of some of the queries."""
        return QueryFacts(*([column[row] for row in rows] for column in self._columns()))

    def _columns(self) -> tuple[Sequence[object], ...]:
        return (
            self.query_ids,
            self.products,
            self.categories,
            self.modalities,
            self.edits,
            self.right_ids,
        )


class PredictionsWriter:
    """A context manager that writes predictions.parquet; an exception inside it leaves no file."""

    def __init__(self, path: Path, ids: Sequence[str], categories: Sequence[str]) -> None:
        """
        Args:
            ids: (N,) of the gallery's rows.
            categories: (N,) of the gallery's rows.
        """
        self._replacing = replacing(path)
        self.ids = pa.array(ids, pa.string())
        self.categories = pa.array(["", *categories], pa.string()).dictionary_encode()

    def __enter__(self) -> Self:
        self._writer = pq.ParquetWriter(self._replacing.__enter__(), SCHEMA, write_page_checksum=True)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._writer.close()
        self._replacing.__exit__(kind, error, trace)

    def write(self, gallery: str, method: str, queries: QueryFacts, answers: Answers) -> None:
        """Writes a row group: one method's answers in one gallery."""
        count = len(queries.query_ids)
        kept = answers.rows >= 0
        ends = pa.array(np.concatenate([[0], kept.sum(axis=1).cumsum()]), pa.int32())
        answer_ids = pa.ListArray.from_arrays(ends, self.ids.take(pa.array(answers.rows[kept])))
        scores = pa.ListArray.from_arrays(ends, pa.array(answers.scores[kept], pa.float32()))
        right = pa.ListArray.from_arrays(ends, pa.array(answers.right[kept]))
        first = np.where(kept[:, 0], answers.rows[:, 0] + 1, 0)
        columns = [
            _repeated(gallery, count),
            _repeated(method, count),
            queries.query_ids,
            queries.products,
            pa.array(queries.categories, NAMES),
            pa.array(queries.modalities, NAMES),
            pa.array(queries.edits, pa.list_(pa.string())).cast(pa.list_(NAMES)),
            queries.right_ids,
            pa.array(answers.relevant, pa.int32()),
            answer_ids,
            scores,
            right,
            self.categories.take(pa.array(first)),
        ]
        table = pa.Table.from_arrays(
            [pa.array(c) if isinstance(c, list | tuple) else c for c in columns], schema=SCHEMA
        )
        self._writer.write_table(table, row_group_size=max(count, 1))


class Predictions:
    """A predictions.parquet that is read one method at a time.

    Attributes:
        row_groups: gallery to method to row group, in the order written.
    """

    def __init__(self, path: Path, row_groups: dict[str, dict[str, int]]) -> None:
        self.path = path
        self.row_groups = row_groups

    @classmethod
    def open(cls, path: Path) -> Self:
        """Opens the file and reads which methods and galleries it holds.

        Raises:
            CatalogError: the file is missing, or no benchmark wrote it.
        """
        row_groups: dict[str, dict[str, int]] = {}
        try:
            with pq.ParquetFile(path) as file:
                for number in range(file.num_row_groups):
                    names = file.read_row_group(number, ["gallery", "method"])
                    gallery, method = names["gallery"][0].as_py(), names["method"][0].as_py()
                    row_groups.setdefault(gallery, {})[method] = number
        except (OSError, pa.ArrowException, KeyError) as error:
            raise CatalogError(f"{path}: not the predictions of a benchmark run: {error}") from error
        return cls(path, row_groups)

    def methods(self, gallery: str) -> list[str]:
        """The methods with answers in a gallery, in the order written."""
        return list(self.row_groups.get(gallery, {}))

    def query_facts(self, gallery: str) -> QueryFacts:
        """The queries of a gallery, which are the same for every method."""
        columns = self._read(gallery, self.methods(gallery)[0], QUERY_COLUMNS)
        return QueryFacts(*(columns[name].to_pylist() for name in QUERY_COLUMNS))

    def answers(self, gallery: str, method: str) -> Answers:
        """The answers of a method. The file holds no rows: `rows` is 0 where there is an answer."""
        columns = self._read(gallery, method, ("relevant", "scores", "right"))
        scores, right = columns["scores"].combine_chunks(), columns["right"].combine_chunks()
        lengths = pc.list_value_length(scores).to_numpy()
        kept = np.arange(max(lengths.max(initial=0), 1)) < lengths[:, None]  # (Q, K)
        filled = np.full(kept.shape, -np.inf, np.float32)
        filled[kept] = scores.flatten().to_numpy()
        hits = np.zeros(kept.shape, bool)
        hits[kept] = right.flatten().to_numpy(zero_copy_only=False)
        relevant = columns["relevant"].to_numpy().astype(np.int64)
        return Answers(np.where(kept, 0, -1), filled, hits, relevant)

    def answer_ids(self, gallery: str, method: str, rows: Sequence[int]) -> list[list[str]]:
        """The ids of the answers to some of the queries."""
        ids: list[list[str]] = self._read(gallery, method, ("answers",))["answers"].take(rows).to_pylist()
        return ids

    def found_categories(self, gallery: str, method: str) -> list[str]:
        """(Q,) the category of the first answer to each query."""
        names: list[str] = self._read(gallery, method, ("found_category",))["found_category"].to_pylist()
        return names

    def _read(self, gallery: str, method: str, columns: Sequence[str]) -> pa.Table:
        try:
            number = self.row_groups[gallery][method]
        except KeyError:
            raise UsageError(f"{self.path}: no answers of {method!r} in {gallery!r}") from None
        try:
            with pq.ParquetFile(self.path, page_checksum_verification=True) as file:
                return file.read_row_group(number, list(columns))
        except (OSError, pa.ArrowException) as error:
            raise CatalogError(f"{self.path}: damaged: {error}; run the benchmark again") from error


def _repeated(name: str, count: int) -> pa.DictionaryArray:
    return pa.DictionaryArray.from_arrays(pa.array(np.zeros(count, np.int32)), pa.array([name]))
