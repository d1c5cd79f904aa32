"""Examples of failed queries: the query, its first answer and its right answer, with titles and images."""

from __future__ import annotations

import io
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from PIL import Image

from itemsearch.benchmarks.data.predictions import EVERYTHING, OURS, Predictions, QueryFacts
from itemsearch.benchmarks.reports.page import CaseListing, Section
from itemsearch.indexes.arrays import Floats, Rows
from itemsearch.store.reader import open_embedded

CASES = 12
SIDE = 160
QUERIES, STORE = "queries.parquet", "store"

TitleAndImage = tuple[str, bytes | None]
"""A listing's title, and its image file."""


def failure_sections(out: Path, predictions: Predictions, queries: QueryFacts) -> list[Section]:
    """The wrong first answers of the highest score, and queries without a right answer among those kept.

    Titles and images are read from the queries file and the store of the run; without them ids are shown.
    """
    answers = predictions.answers(EVERYTHING, OURS)
    wrong = ~answers.right[:, 0] & np.isfinite(answers.scores[:, 0])
    highest = np.flatnonzero(wrong)[np.argsort(-answers.scores[wrong, 0], kind="stable")][:CASES]
    missed = np.flatnonzero(~answers.right.any(axis=1))[:CASES]
    chosen = {
        "Wrong answers of the highest score": (highest, "Wrong first answers, the highest score first."),
        "No right answer": (missed, f"No right answer is among the first {answers.right.shape[1]}."),
    }
    sections = []
    for heading, (rows, text) in chosen.items():
        if len(rows):
            cases = _cases(out, predictions, queries, rows, answers.scores)
            sections.append(Section(heading, text, cases=cases))
    return sections


def _cases(
    out: Path, predictions: Predictions, queries: QueryFacts, rows: Rows, scores: Floats
) -> list[Sequence[CaseListing]]:
    answer_ids = [ids[0] if ids else "" for ids in predictions.answer_ids(EVERYTHING, OURS, rows.tolist())]
    query_ids = [queries.query_ids[row] for row in rows]
    right_ids = [queries.right_ids[row] for row in rows]
    in_store = _read_store(out / STORE, {*answer_ids, *right_ids, *query_ids})
    in_queries = _read_queries(out / QUERIES, set(query_ids)) if (out / QUERIES).exists() else in_store
    cases: list[Sequence[CaseListing]] = []
    for row, query_id, answer_id, right_id in zip(rows, query_ids, answer_ids, right_ids, strict=True):
        edits = ", ".join(queries.edits[row][1:])
        score = f"score {scores[row, 0]:.4f}" if answer_id else ""
        cases.append(
            (
                _case_listing("query", query_id, in_queries, edits),
                _case_listing("first answer", answer_id, in_store, score),
                _case_listing("right answer", right_id, in_store, ""),
            )
        )
    return cases


def _case_listing(caption: str, id: str, listings: Mapping[str, TitleAndImage], note: str) -> CaseListing:
    title, image = listings.get(id, ("", None))
    return CaseListing(caption, title, " · ".join(part for part in (id, note) if part), image)


def _read_store(store: Path, ids: Collection[str]) -> dict[str, TitleAndImage]:
    """Titles and thumbnails of listings of a store, by id; empty without a store."""
    listings: dict[str, TitleAndImage] = {}
    if store.exists():
        for batch in open_embedded(store).batches():
            listings |= _select(pa.table(batch.select(["id", "title", "thumbnail"])), ids)
    return listings


def _read_queries(path: Path, ids: Collection[str]) -> dict[str, TitleAndImage]:
    """Titles and scaled-down images of a queries file, by id."""
    queries: dict[str, TitleAndImage] = {}
    with pq.ParquetFile(path) as file:
        for batch in file.iter_batches(512, columns=["query_id", "title", "image"]):
            queries |= _select(pa.table(batch), ids)
    return {id: (title, image and _scaled_down(image)) for id, (title, image) in queries.items()}


def _select(table: pa.Table, ids: Collection[str]) -> dict[str, TitleAndImage]:
    """The rows of these ids, of a table with columns id, title and image."""
    rows = table.filter(pc.is_in(table.column(0), pa.array(sorted(ids), pa.string())))
    cells = zip(*(column.to_pylist() for column in rows.columns), strict=True)
    return {id: (title or "", image) for id, title, image in cells}


def _scaled_down(image_file: bytes) -> bytes:
    with Image.open(io.BytesIO(image_file)) as image:
        image.thumbnail((SIDE, SIDE))
        buffer = io.BytesIO()
        image.convert("RGB").save(buffer, "JPEG", quality=85)
    return buffer.getvalue()
