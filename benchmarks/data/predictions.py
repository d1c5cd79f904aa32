"""predictions.parquet: what every method answered to every query. All figures of a run come from it.

A row is one method's answer to one query in one gallery; a row group is one method in one gallery.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from itemsearch.benchmarks.metrics.ranked import Answers
from itemsearch.errors import CatalogError, UsageError
from itemsearch.indexes.durable import replacing

PREDICTIONS = "predictions.parquet"
EVERYTHING, OWN_CATEGORY = "all products", "own category"
"""The galleries that answers come from."""
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
"""product: drawn together in the bootstrap. right_id: a right answer. relevant: how many there are.
answers, scores, right: best first. found_category: of the first answer, "" where there is none."""
FACTS = ("query_id", "product", "category", "modality", "edits", "right_id", "relevant")


@dataclass(frozen=True, slots=True)
class Asked:
    """What is known of Q queries, whatever the method; see `SCHEMA`."""

    query_ids: Sequence[str]
    listings: Sequence[str]
    categories: Sequence[str]
    modalities: Sequence[str]
    edits: Sequence[Sequence[str]]
    right_ids: Sequence[str]

    def take(self, rows: npt.NDArray[np.int64]) -> Asked:
        return Asked(*([column[row] for row in rows] for column in self._columns()))

    def _columns(self) -> tuple[Sequence[object], ...]:
        return (
            self.query_ids,
            self.listings,
            self.categories,
            self.modalities,
            self.edits,
            self.right_ids,
        )


class PredictionsWriter:
    """A context; leaving it with an exception leaves no file.

    ids, categories: of the rows that answers are.
    """

    def __init__(self, path: Path, ids: Sequence[str], categories: Sequence[str]) -> None:
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

    def write(self, gallery: str, method: str, asked: Asked, answers: Answers) -> None:
        count = len(asked.query_ids)
        kept = answers.rows >= 0
        ends = pa.array(np.concatenate([[0], kept.sum(axis=1).cumsum()]), pa.int32())
        found = pa.ListArray.from_arrays(ends, self.ids.take(pa.array(answers.rows[kept])))
        scores = pa.ListArray.from_arrays(ends, pa.array(answers.scores[kept], pa.float32()))
        right = pa.ListArray.from_arrays(ends, pa.array(answers.right[kept]))
        first = np.where(kept[:, 0], answers.rows[:, 0] + 1, 0)
        columns = [
            _repeated(gallery, count),
            _repeated(method, count),
            asked.query_ids,
            asked.listings,
            pa.array(asked.categories, NAMES),
            pa.array(asked.modalities, NAMES),
            pa.array(asked.edits, pa.list_(pa.string())).cast(pa.list_(NAMES)),
            asked.right_ids,
            pa.array(answers.relevant, pa.int32()),
            found,
            scores,
            right,
            self.categories.take(pa.array(first)),
        ]
        table = pa.Table.from_arrays(
            [pa.array(c) if isinstance(c, list | tuple) else c for c in columns], schema=SCHEMA
        )
        self._writer.write_table(table, row_group_size=max(count, 1))


class Predictions:
    """A predictions.parquet, read a method at a time."""

    def __init__(self, path: Path, groups: dict[str, dict[str, int]]) -> None:
        self.path = path
        self.groups = groups
        """Gallery to method to row group, in the order written."""

    @classmethod
    def open(cls, path: Path) -> Self:
        """
        Raises:
            CatalogError: no such file, or not one that a benchmark wrote.
        """
        groups: dict[str, dict[str, int]] = {}
        try:
            with pq.ParquetFile(path) as file:
                for place in range(file.num_row_groups):
                    head = file.read_row_group(place, ["gallery", "method"])
                    gallery, method = head["gallery"][0].as_py(), head["method"][0].as_py()
                    groups.setdefault(gallery, {})[method] = place
        except (OSError, pa.ArrowException, KeyError) as error:
            raise CatalogError(f"{path}: not the predictions of a benchmark run: {error}") from error
        return cls(path, groups)

    def methods(self, gallery: str) -> list[str]:
        return list(self.groups.get(gallery, {}))

    def asked(self, gallery: str) -> Asked:
        """The queries of a gallery, which are the same for every method."""
        held = self._read(gallery, self.methods(gallery)[0], FACTS[:-1])
        return Asked(*(held[name].to_pylist() for name in FACTS[:-1]))

    def answers(self, gallery: str, method: str) -> Answers:
        """Without rows, which only the run itself knows: 0 where there is an answer."""
        held = self._read(gallery, method, ("relevant", "scores", "right"))
        scores, right = held["scores"].combine_chunks(), held["right"].combine_chunks()
        lengths = pc.list_value_length(scores).to_numpy()
        kept = np.arange(max(lengths.max(initial=0), 1)) < lengths[:, None]  # (Q, K)
        filled = np.full(kept.shape, -np.inf, np.float32)
        filled[kept] = scores.flatten().to_numpy()
        hits = np.zeros(kept.shape, bool)
        hits[kept] = right.flatten().to_numpy(zero_copy_only=False)
        relevant = held["relevant"].to_numpy().astype(np.int64)
        return Answers(np.where(kept, 0, -1), filled, hits, relevant)

    def answer_ids(self, gallery: str, method: str, rows: Sequence[int]) -> list[list[str]]:
        """The answers of some queries, as ids."""
        held: list[list[str]] = self._read(gallery, method, ("answers",))["answers"].take(rows).to_pylist()
        return held

    def found_categories(self, gallery: str, method: str) -> list[str]:
        """(Q,) the category of each query's first answer."""
        held: list[str] = self._read(gallery, method, ("found_category",))["found_category"].to_pylist()
        return held

    def _read(self, gallery: str, method: str, columns: Sequence[str]) -> pa.Table:
        try:
            place = self.groups[gallery][method]
        except KeyError:
            raise UsageError(f"{self.path}: no answers of {method!r} in {gallery!r}") from None
        try:
            with pq.ParquetFile(self.path, page_checksum_verification=True) as file:
                return file.read_row_group(place, list(columns))
        except (OSError, pa.ArrowException) as error:
            raise CatalogError(f"{self.path}: damaged: {error}; run the benchmark again") from error


def _repeated(name: str, count: int) -> pa.DictionaryArray:
    return pa.DictionaryArray.from_arrays(pa.array(np.zeros(count, np.int32)), pa.array([name]))
