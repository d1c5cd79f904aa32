"""Failures in pictures: the query, what was found, and what was right."""

from __future__ import annotations

import io
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from PIL import Image

from itemsearch.benchmarks.data.predictions import EVERYTHING, Asked, Predictions
from itemsearch.benchmarks.metrics.scoring import OURS
from itemsearch.benchmarks.reports.page import Section, Shown
from itemsearch.indexes.arrays import Rows
from itemsearch.store.reader import open_embedded

CASES = 12
SIDE = 160
QUERIES, STORE = "queries.parquet", "store"


def failure_sections(out: Path, predictions: Predictions, asked: Asked) -> list[Section]:
    """The surest of the wrong first answers, and queries whose right answer was not among those kept.

    Pictures are read from the run's own queries and store; where these are gone, ids are left.
    """
    answers = predictions.answers(EVERYTHING, OURS)
    wrong = ~answers.right[:, 0] & np.isfinite(answers.scores[:, 0])
    surest = np.flatnonzero(wrong)[np.argsort(-answers.scores[wrong, 0], kind="stable")][:CASES]
    missed = np.flatnonzero(~answers.right.any(axis=1))[:CASES]
    chosen = {
        "Wrong, and sure of it": (surest, "Of the wrong first answers those of the highest score."),
        "Not found at all": (missed, f"No right answer among the first {answers.right.shape[1]}."),
    }
    sections = []
    for heading, (rows, text) in chosen.items():
        if len(rows):
            sections.append(
                Section(heading, text, cases=_cases(out, predictions, asked, rows, answers.scores))
            )
    return sections


def _cases(
    out: Path, predictions: Predictions, asked: Asked, rows: Rows, scores: np.ndarray
) -> list[Sequence[Shown]]:
    found = [ids[0] if ids else "" for ids in predictions.answer_ids(EVERYTHING, OURS, rows.tolist())]
    queries = [asked.query_ids[row] for row in rows]
    right = [asked.right_ids[row] for row in rows]
    listings = _products(out / STORE, {*found, *right, *queries})
    listed = _queries(out / QUERIES, set(queries)) if (out / QUERIES).exists() else listings
    cases: list[Sequence[Shown]] = []
    for row, query, answer, truth in zip(rows, queries, found, right, strict=True):
        edits = ", ".join(asked.edits[row][1:])
        score = scores[row, 0]
        cases.append(
            (
                _shown("asked", query, listed, edits),
                _shown("found", answer, listings, f"score {score:.4f}" if answer else ""),
                _shown("right", truth, listings, ""),
            )
        )
    return cases


def _shown(caption: str, id: str, held: Mapping[str, tuple[str, bytes | None]], note: str) -> Shown:
    title, picture = held.get(id, ("", None))
    return Shown(caption, title, " · ".join(part for part in (id, note) if part), picture)


def _products(store: Path, ids: Collection[str]) -> dict[str, tuple[str, bytes | None]]:
    """Titles and thumbnails of a store's products, by id."""
    held: dict[str, tuple[str, bytes | None]] = {}
    if store.exists():
        for batch in open_embedded(store).batches():
            held |= _listed(pa.table(batch.select(["id", "title", "thumbnail"])), ids)
    return held


def _queries(path: Path, ids: Collection[str]) -> dict[str, tuple[str, bytes | None]]:
    """Titles and pictures, made small, of a queries file."""
    held: dict[str, tuple[str, bytes | None]] = {}
    with pq.ParquetFile(path) as file:
        for batch in file.iter_batches(512, columns=["query_id", "title", "image"]):
            held |= _listed(pa.table(batch), ids)
    return {id: (title, picture and _small(picture)) for id, (title, picture) in held.items()}


def _listed(table: pa.Table, ids: Collection[str]) -> dict[str, tuple[str, bytes | None]]:
    """Of a table of ids, titles and pictures."""
    rows = table.filter(pc.is_in(table.column(0), pa.array(sorted(ids), pa.string())))
    cells = zip(*(column.to_pylist() for column in rows.columns), strict=True)
    return {id: (title or "", picture) for id, title, picture in cells}


def _small(picture: bytes) -> bytes:
    with Image.open(io.BytesIO(picture)) as image:
        image.thumbnail((SIDE, SIDE))
        buffer = io.BytesIO()
        image.convert("RGB").save(buffer, "JPEG", quality=85)
    return buffer.getvalue()
