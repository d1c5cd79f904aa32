from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from itemsearch.benchmarks.data.predictions import (
    EVERYTHING,
    OWN_CATEGORY,
    PREDICTIONS,
    PredictionsWriter,
    QueryFacts,
)
from itemsearch.benchmarks.metrics.ranked import Answers
from itemsearch.benchmarks.reports.page import describe_run, write_description
from itemsearch.benchmarks.runs.retrieval import RetrievalConfig
from itemsearch.catalog import CatalogConfig

QUERIES, KEPT = 100_000, 10
METHODS = ("itemsearch", "itemsearch, joint cosine alone", "title", "image", "both", "weighted", "TF-IDF")


def predict(path: Path) -> None:
    """Answers to `QUERIES` queries, each right in about half of the cases."""
    rng = np.random.default_rng(0)
    categories = rng.choice([f"category {n}" for n in range(150)], QUERIES).tolist()
    ids = [f"product {n}" for n in range(QUERIES)]
    edits = [("2 edits", f"words: {n % 9}", f"picture: {n % 7}") for n in range(QUERIES)]
    queries = QueryFacts(
        [f"{id}:relisted" for id in ids], ids, categories, ["title and picture"] * QUERIES, edits, ids
    )
    with PredictionsWriter(path, ids, categories) as writer:
        for gallery in (EVERYTHING, OWN_CATEGORY):
            for method in METHODS:
                rows = rng.integers(0, QUERIES, (QUERIES, KEPT))
                scores = -np.sort(-rng.random((QUERIES, KEPT), np.float32), axis=1)
                right = np.zeros((QUERIES, KEPT), bool)
                answered = np.flatnonzero(rng.random(QUERIES) < 0.6)
                right[answered, rng.integers(0, KEPT, len(answered)) // 2] = True
                answers = Answers(rows, scores, right, np.ones(QUERIES, np.int64))
                writer.write(gallery, method, queries, answers)


@pytest.mark.slow
def test_a_report_of_100_000_queries_takes_a_minute_and_4_gib_at_most(tmp_path: Path) -> None:
    predict(tmp_path / PREDICTIONS)
    config = RetrievalConfig(CatalogConfig("catalog.csv"))
    write_description(tmp_path, describe_run("retrieval", config, None, "Random answers."))
    code = (
        "from pathlib import Path; from itemsearch.benchmarks.runs.report import run; "
        f"run(Path({str(tmp_path)!r}))"
    )
    started = time.perf_counter()
    # Of this process alone: the usage of all children would count those of other tests.
    process = subprocess.Popen([sys.executable, "-c", code], cwd=Path(__file__).parents[3])
    _, status, used = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    seconds = time.perf_counter() - started
    assert process.returncode == 0
    processor = used.ru_utime + used.ru_stime
    print(f"{seconds:.1f} s, {processor:.1f} s of processor, {used.ru_maxrss / 2**20:.2f} GiB")
    assert used.ru_maxrss * 1024 < 4 * 2**30
    assert processor < 60  # CPU seconds do not depend on other programs
