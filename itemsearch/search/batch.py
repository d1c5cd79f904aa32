"""Answers a file of queries and writes a file of results."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa

from itemsearch.catalog import read_queries
from itemsearch.search.engine import Engine
from itemsearch.search.filter import NO_FILTER, Filter
from itemsearch.search.results import Result
from itemsearch.table_files import check_out, writing
from itemsearch.types import Reject

RESULTS_SCHEMA = pa.schema(
    {
        "query_id": pa.string(),
        "rank": pa.int32(),
        "id": pa.string(),
        "score": pa.float32(),
        "joint": pa.float32(),
        "title_similarity": pa.float32(),
        "image_similarity": pa.float32(),
    }
)


@dataclass(frozen=True, slots=True)
class BatchConfig:
    """At most k results for each query, of a score of `min_score` or more, that pass the filter."""

    k: int = 10
    min_score: float = -1.0
    filter: Filter = NO_FILTER


@dataclass(frozen=True, slots=True)
class BatchReport:
    """Counts: rows read = answered + rejected; `results` rows were written.

    incomparable: as in `Result`, over all queries.
    """

    rows: int
    answered: int
    rejected: int
    results: int
    incomparable: int


def search_file(
    engine: Engine,
    queries: str,
    out: Path,
    config: BatchConfig,
    on_reject: Callable[[Reject], None],
    progress: Callable[[int], None],
) -> BatchReport:
    """Answers a queries file batch by batch and writes `RESULTS_SCHEMA` to the file `out`.

    Memory holds a batch of queries and their results, and every query's id.

    Args:
        on_reject: called with each query that cannot be read.
        progress: called with how many rows were read so far.

    Raises:
        CatalogError: the queries file as a whole cannot be read.
        UsageError: as `check_out`.
        UsageError, ModelMismatchError: as `Engine.search_many`.
    """
    check_out("--out", out, [Path(queries)])
    rows = answered = rejected = results = incomparable = 0
    with writing(out, RESULTS_SCHEMA) as file:
        for batch in read_queries(queries, other=config.filter.other):
            answers = engine.search_many(batch.items, config.k, config.min_score, config.filter)
            batch_results = _table(answers)
            file.write(batch_results)
            for reject in batch.rejects:
                on_reject(reject)
            rows, results = rows + batch.rows, results + batch_results.num_rows
            answered, rejected = answered + len(batch.items), rejected + len(batch.rejects)
            incomparable += sum(answer.incomparable for answer in answers)
            progress(rows)
    assert rows == answered + rejected, f"{rows} queries in, {answered} answered, {rejected} rejected"
    return BatchReport(rows, answered, rejected, results, incomparable)


def _table(results: list[Result]) -> pa.Table:
    hits = [(result.query_id, hit) for result in results for hit in result.hits]
    columns = {
        "query_id": [query_id for query_id, _ in hits],
        "rank": [hit.rank for _, hit in hits],
        "id": [hit.id for _, hit in hits],
        "score": [hit.score for _, hit in hits],
        "joint": [hit.joint for _, hit in hits],
        "title_similarity": [hit.title_similarity for _, hit in hits],
        "image_similarity": [hit.image_similarity for _, hit in hits],
    }
    return pa.table(columns, schema=RESULTS_SCHEMA)
