"""The self-join of an index: which listings are like each other."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from itemsearch.review.page import Listing, Pair, write_pairs_page
from itemsearch.search.engine import Engine
from itemsearch.search.narrow import Filter, Narrowing

QUERY_ROWS = 1024
NEIGHBOURS = 20
PAGE_PAIRS = 500
PAIR = np.dtype([("a", np.int64), ("b", np.int64), ("score", np.float32)])
PAIRS_SCHEMA = pa.schema({"id_a": pa.string(), "id_b": pa.string(), "score": pa.float32()})


@dataclass(frozen=True, slots=True)
class DuplicatesReport:
    """`rows` listings pass the filter; `pairs` of them score `min_score` or more; `shown` are on the page."""

    rows: int
    pairs: int
    shown: int
    min_score: float


def find_pairs(
    engine: Engine, min_score: float, narrowing: Narrowing, progress: Callable[[int], None]
) -> pa.Table:
    """Every pair among each listing's `NEIGHBOURS` nearest with a score of at least `min_score`.

    Both pass the filter; where it names a column to differ in, they do.

    Returns:
        Columns id_a, id_b, score and the rows row_a, row_b; each pair once, id_a < id_b, the best first.
    """
    ranker, asked = engine.ranker, narrowing.rows(engine.summary.rows)
    rank = ranker.index.tie_rank
    found = [np.empty(0, PAIR)]
    for start in range(0, len(asked), QUERY_ROWS):
        rows = asked[start : start + QUERY_ROWS]
        answers = ranker.rank_rows(rows, NEIGHBOURS, narrowing)
        for row, answer in zip(rows, answers, strict=True):
            alike = answer.scores >= min_score
            other = answer.rows[alike]
            swapped = rank[row] > rank[other]
            pairs = np.empty(len(other), PAIR)
            pairs["a"], pairs["b"] = np.where(swapped, other, row), np.where(swapped, row, other)
            pairs["score"] = answer.scores[alike]
            found.append(pairs)
        progress(start + len(rows))
    pairs = np.concatenate(found)
    # A pair is found from both ends; either may have lost it to nearer neighbours.
    pairs = pairs[np.unique(pairs[["a", "b"]], return_index=True)[1]]
    pairs = pairs[np.lexsort((rank[pairs["b"]], rank[pairs["a"]], -pairs["score"]))]
    ids = ranker.products["id"]
    return pa.table(
        {
            "id_a": ids.take(pa.array(pairs["a"])),
            "id_b": ids.take(pa.array(pairs["b"])),
            "score": pa.array(pairs["score"], pa.float32()),
            "row_a": pairs["a"],
            "row_b": pairs["b"],
        }
    )


def write_duplicates(
    engine: Engine, out: Path, min_score: float, wanted: Filter, progress: Callable[[int], None]
) -> DuplicatesReport:
    """Writes `pairs.parquet` and `report.html` into `out`; the page shows the best `PAGE_PAIRS`.

    Raises:
        UsageError: a filter that is none.
    """
    narrowing = engine.narrow(wanted)
    pairs = find_pairs(engine, min_score, narrowing, progress)
    out.mkdir(parents=True, exist_ok=True)
    partial = out / "pairs.parquet.partial"
    pq.write_table(pairs.select(PAIRS_SCHEMA.names).cast(PAIRS_SCHEMA), partial, write_page_checksum=True)
    partial.rename(out / "pairs.parquet")
    shown = [
        Pair(_listing(engine, row["row_a"]), _listing(engine, row["row_b"]), row["score"])
        for row in pairs.slice(0, PAGE_PAIRS).to_pylist()
    ]
    report = DuplicatesReport(len(narrowing.rows(engine.summary.rows)), pairs.num_rows, len(shown), min_score)
    facts = [
        f"{report.pairs:,} pairs among {report.rows:,} listings score {min_score:g} or more.",
        f"The {report.shown:,} most alike are shown, the best first; words that differ are marked.",
        "A score is no proof: look at the weakest pairs before acting on all of them.",
    ]
    write_pairs_page(out / "report.html", "Listings that may be the same product", facts, shown)
    return report


def _listing(engine: Engine, row: int) -> Listing:
    products = engine.ranker.products
    columns = products.column_names
    cells = products.select([c for c in ("id", "title", "category", "thumbnail") if c in columns])
    held = {"title": "", "category": "", "thumbnail": None, **cells.slice(row, 1).to_pylist()[0]}
    return Listing(held["id"], held["title"] or "", held["category"] or "", held["thumbnail"])
