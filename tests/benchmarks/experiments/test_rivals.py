from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from support.catalogs import draw_picture, titles
from support.vectors import clustered

from itemsearch.benchmarks.data.tasks import TitlesAndImages
from itemsearch.benchmarks.data.vector_files import VectorSet
from itemsearch.benchmarks.experiments.rivals import RivalsConfig, report, run
from itemsearch.benchmarks.experiments.rivals_index import RECALL, index_rates, least_effort
from itemsearch.benchmarks.experiments.rivals_join import join_of
from itemsearch.benchmarks.methods.baselines import BOTH, embed_baselines
from itemsearch.benchmarks.methods.by_hand import ByHand, RandomClip
from itemsearch.benchmarks.methods.other_indexes import IndexMethod
from itemsearch.benchmarks.metrics.child import ChildCost
from itemsearch.benchmarks.metrics.turns import rates
from itemsearch.benchmarks.runs.index import nearest_scores
from itemsearch.errors import UsageError
from itemsearch.indexes.arrays import Floats, Rows


def test_by_hand_is_the_baseline_of_title_and_image() -> None:
    listings = TitlesAndImages(titles(6), [draw_picture(number) for number in range(6)])
    by_hand, expected = ByHand.load().embed(listings), embed_baselines(listings)[BOTH]
    assert (by_hand * expected).sum(axis=1).min() > 0.9999
    assert (ByHand.load().embed(listings, half=True) * expected).sum(axis=1).min() > 0.99
    assert RandomClip.load().embed(listings).shape == (6, 1024)


def test_methods_work_by_turns_and_are_compared_with_the_first() -> None:
    done: list[tuple[str, int]] = []
    found = rates({"ours": "a", "other": "b"}, lambda method, number: done.append((method, number)), 10, 2)
    assert done == [("a", 0), ("b", 0), ("a", 1), ("b", 1), ("a", 2), ("b", 2)]
    assert [each.method for each in found] == ["ours", "other"]
    assert found[0].times_ours == 1


@pytest.mark.parametrize(("needed", "expected"), [(1, 1), (7, 7), (8, 8), (5000, 0)])
def test_the_least_effort_is_found(needed: int, expected: int) -> None:
    vectors = VectorSet(clustered(200), clustered(200)[:20])
    truth = nearest_scores(vectors, 10)
    exact = np.argsort(-(vectors.queries @ vectors.base.T), axis=1)

    def search(queries: Floats, k: int, effort: int) -> Rows:
        return exact[:, :k] if effort >= needed else np.full((len(queries), k), -1)

    assert least_effort(IndexMethod("made", "", 0, 0, (1,), search), vectors, truth) == expected


def test_indexes_are_compared_at_the_same_recall(tmp_path: Path) -> None:
    base = clustered(12_000)
    vectors = pa.FixedSizeListArray.from_arrays(pa.array(base.ravel()), base.shape[1])
    ids = [str(row) for row in range(len(base))]
    pq.write_table(pa.table({"id": ids, "embedding": vectors}), tmp_path / "vectors.parquet")
    found = index_rates(tmp_path / "vectors.parquet", 1, tmp_path)
    assert {each.batch.method for each in found} >= {"itemsearch", "FAISS HNSW"}
    assert all(each.recall >= RECALL for each in found)


def test_pairs_are_judged_and_missing_vectors_told(tmp_path: Path) -> None:
    figures = join_of("made", {("a", "b"), ("a", "c")}, {("a", "b"), ("d", "e")}, ChildCost(1, 1, 1, 1))
    assert (figures.pairs, figures.precision, figures.recall) == (2, 0.5, 0.5)
    with pytest.raises(UsageError, match="--vectors"):
        run(RivalsConfig(tmp_path, ("index",)), tmp_path / "run")
    rate = {"method": "ours", "a_second": 1.0, "times_ours": 1.0, "cpu_ms": 2.0}
    assert "| ours | 1.0 | 1.00 | 2.00 |" in report({"embed": [rate]})
