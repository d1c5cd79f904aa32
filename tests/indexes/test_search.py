from __future__ import annotations

from pathlib import Path

import faiss
import numpy as np
import pytest
from support.vectors import clustered, saved

from itemsearch.indexes.building.choose import choose_spec
from itemsearch.indexes.building.train import build_index
from itemsearch.indexes.errors import BuildError, DamagedIndexError, NoGpuError, QueryError, SpecError
from itemsearch.indexes.gpu import cloner_options, resolve_device
from itemsearch.indexes.searching.vector_index import Rows, SearchParams, VectorIndex, Vectors
from itemsearch.indexes.storage.files import save_index
from itemsearch.indexes.storage.vectors import create_vectors
from itemsearch.indexes.types import BuiltIndex, IndexSpec

EXACT = IndexSpec("exact")


def slow_search(vectors: Vectors, query: Vectors, k: int, tie_rank: Rows, exclude: int = -1) -> list[int]:
    scores = [float(np.clip(np.einsum("d,d->", row, query), -1, 1)) for row in vectors]
    order = sorted(range(len(vectors)), key=lambda row: (-scores[row], tie_rank[row]))
    return [row for row in order if row != exclude][:k]


@pytest.fixture(scope="module")
def large() -> Vectors:
    return clustered(12_000)


@pytest.fixture(scope="module")
def ivfpq(large: Vectors, tmp_path_factory: pytest.TempPathFactory) -> VectorIndex:
    return saved(tmp_path_factory.mktemp("ivfpq"), large, choose_spec(*large.shape))


def test_exact_search_is_the_slow_obvious_one(tmp_path: Path) -> None:
    vectors = clustered(400, 8)
    rank = np.random.default_rng(1).permutation(400)
    index = saved(tmp_path, vectors, EXACT, rank)
    assert not (tmp_path / "index.faiss").exists()
    queries = clustered(30, 8, seed=2)
    scores, rows = index.search(queries, 7)
    assert [row.tolist() for row in rows] == [slow_search(vectors, query, 7, rank) for query in queries]
    np.testing.assert_allclose(scores, np.take_along_axis(queries @ vectors.T, rows, axis=1), atol=1e-6)


def test_a_row_is_left_out_of_its_own_answer_which_is_still_full(tmp_path: Path) -> None:
    vectors = clustered(300, 8)
    index = saved(tmp_path, vectors, EXACT)
    own = np.arange(100)
    _, rows = index.search(vectors[:100], 5, exclude=own)
    rank = np.arange(300)
    assert [row.tolist() for row in rows] == [
        slow_search(vectors, vectors[r], 5, rank, exclude=r) for r in own
    ]


def test_of_20000_identical_rows_the_first_in_order_are_found(tmp_path: Path) -> None:
    same = np.tile(clustered(8, 16)[:1], (20_000, 1))
    vectors = np.concatenate([clustered(50, 16, seed=3), same])
    rank = np.random.default_rng(4).permutation(len(vectors))
    index = saved(tmp_path, vectors, EXACT, rank)
    left_out = 50 + int(np.argmin(rank[50:]))
    scores, rows = index.search(same[:1], 5, exclude=np.array([left_out]))
    expected = 50 + np.argsort(rank[50:])[1:6]
    assert rows[0].tolist() == expected.tolist()
    np.testing.assert_allclose(scores[0], 1, atol=1e-6)


def test_of_20000_identical_rows_in_a_quantised_index_the_first_in_order_are_found(
    large: Vectors, tmp_path: Path
) -> None:
    vectors = np.concatenate([large, np.tile(large[:1], (20_000, 1))])
    rank = np.random.default_rng(4).permutation(len(vectors))
    index = saved(tmp_path, vectors, IndexSpec("ivfpq", 64, 8), rank)
    same = np.append(0, np.arange(len(large), len(vectors)))
    in_order = same[np.argsort(rank[same])]
    scores, rows = index.search(vectors[:1], 5, exclude=in_order[:1])
    assert rows[0].tolist() == in_order[1:6].tolist()
    np.testing.assert_allclose(scores[0], 1, atol=1e-6)
    everything = SearchParams(nprobe=64, candidates=len(large))
    _, rows = index.search(vectors[:1], 20_006, everything)
    assert rows[0, :20_001].tolist() == in_order.tolist()
    assert rows[0, 20_001:].tolist() == np.argsort(-(large @ large[0]))[1:6].tolist()


def test_different_vectors_of_equal_score_come_in_order_of_tie_rank(tmp_path: Path) -> None:
    vectors = np.eye(100, dtype=np.float32)
    rank = np.random.default_rng(5).permutation(100)
    _, rows = saved(tmp_path, vectors, EXACT, rank).search(vectors[7:9], 10)
    for query, found in zip((7, 8), rows.tolist(), strict=True):
        assert found == [query, *[row for row in np.argsort(rank).tolist() if row != query][:9]]


def test_too_few_rows_in_the_lists_visited_are_filled_from_all_lists(
    large: Vectors, ivfpq: VectorIndex
) -> None:
    _, rows = ivfpq.search(large[:20], 500, SearchParams(nprobe=1, candidates=500))
    assert (rows >= 0).all()
    assert all(len(set(found)) == 500 for found in rows.tolist())


def test_many_queries_are_answered_as_each_alone(large: Vectors, ivfpq: VectorIndex) -> None:
    _, together = ivfpq.search(large[:1100], 3, exclude=np.arange(1100))
    for row in (0, 500, 1023, 1024, 1099):
        _, alone = ivfpq.search(large[row : row + 1], 3, exclude=np.array([row]))
        assert together[row].tolist() == alone[0].tolist()


@pytest.mark.parametrize(
    ("queries", "k", "told"),
    [
        (np.ones((2, 31), np.float32), 3, r"\(2, 31\): the index holds 32 numbers"),
        (np.ones((2, 32), np.float32), 0, "k is 0"),
        (np.array([[1.0] * 32, [np.nan] * 32], np.float32), 3, "query 1 is not finite"),
    ],
)
def test_queries_that_cannot_be_answered_are_told(
    ivfpq: VectorIndex, queries: Vectors, k: int, told: str
) -> None:
    with pytest.raises(QueryError, match=told):
        ivfpq.search(queries, k)


def test_more_results_than_rows_are_filled_with_minus_one(tmp_path: Path) -> None:
    vectors = clustered(8, 4)
    scores, rows = saved(tmp_path, vectors, EXACT).search(vectors[:1], 10, exclude=np.array([0]))
    assert sorted(rows[0, :7].tolist()) == [1, 2, 3, 4, 5, 6, 7]
    assert rows[0, 7:].tolist() == [-1] * 3
    assert np.isneginf(scores[0, 7:]).all()


def test_every_list_visited_and_every_row_ranked_is_exact_search(large: Vectors, ivfpq: VectorIndex) -> None:
    queries = clustered(40, seed=5)
    everything = SearchParams(nprobe=ivfpq.spec.nlist, candidates=len(large))
    scores, rows = ivfpq.search(queries, 10, everything)
    expected = np.argsort(-(queries @ large.T), axis=1)[:, :10]
    np.testing.assert_array_equal(rows, expected)
    np.testing.assert_allclose(scores, np.take_along_axis(queries @ large.T, rows, axis=1), atol=1e-6)


def test_default_recall_and_exact_scores(large: Vectors, ivfpq: VectorIndex) -> None:
    rng = np.random.default_rng(6)
    queries = large[rng.integers(len(large), size=300)] + 0.02 * rng.standard_normal((300, 32), np.float32)
    queries = (queries / np.linalg.norm(queries, axis=1, keepdims=True)).astype(np.float32)
    scores, rows = ivfpq.search(queries, 10)
    expected = np.argsort(-(queries @ large.T), axis=1)[:, :10]
    recall = np.mean(
        [len(set(a) & set(b)) / 10 for a, b in zip(rows.tolist(), expected.tolist(), strict=True)]
    )
    assert recall >= 0.95
    np.testing.assert_allclose(scores, np.take_along_axis(queries @ large.T, rows, axis=1), atol=1e-6)


def test_every_row_finds_itself(large: Vectors, ivfpq: VectorIndex) -> None:
    _, rows = ivfpq.search(large[:500], 1)
    assert rows[:, 0].tolist() == list(range(500))


def test_every_row_finds_itself_however_bad_its_code_is(large: Vectors, tmp_path: Path) -> None:
    rough = saved(tmp_path, large, IndexSpec("ivfpq", 8, 1))
    queries, fewest = large[:2000], SearchParams(nprobe=1, candidates=2)
    by_code = rough.probe(queries, 3, 1)
    assert (by_code == np.arange(2000)[:, None]).any(axis=1).mean() < 0.9
    assert rough.search(queries, 1, fewest)[1][:, 0].tolist() == list(range(2000))


def test_equal_seeds_give_equal_indexes(large: Vectors) -> None:
    spec = IndexSpec("ivfpq", 16, 8)
    one, two, other = (
        faiss.serialize_index(build_index(large, spec, "cpu", seed).index) for seed in (3, 3, 4)
    )
    assert np.array_equal(one, two)
    assert not np.array_equal(one, other)


def test_what_cannot_be_indexed_is_told(large: Vectors) -> None:
    broken = large.copy()
    broken[11_111, 3] = np.nan
    with pytest.raises(BuildError, match="row 11111 is not finite"):
        build_index(broken, EXACT, "cpu")
    with pytest.raises(BuildError, match="row 7 has length 0 instead of 1"):
        build_index(np.where(np.arange(len(large))[:, None] == 7, np.float32(0), large), EXACT, "cpu")
    with pytest.raises(BuildError, match="no vectors"):
        build_index(large[:0], None, "cpu")
    same = np.tile(large[:1], (12_000, 1))
    with pytest.raises(BuildError, match="use --spec Flat"):
        build_index(same, choose_spec(*same.shape), "cpu")


def test_the_spec_is_chosen_by_different_vectors(large: Vectors) -> None:
    assert build_index(np.tile(large[:6000], (2, 1)), None, "cpu").spec == EXACT
    built = build_index(large, None, "cpu")
    assert built.spec == choose_spec(*large.shape)
    assert not built.index.do_polysemous_training  # 20 times slower, for a filter that is never used


def test_files_of_two_indexes_are_not_opened_together(large: Vectors, tmp_path: Path) -> None:
    saved(tmp_path / "one", large, IndexSpec("ivfpq", 16, 8))
    saved(tmp_path / "two", large[:11_000], IndexSpec("ivfpq", 16, 8))
    (tmp_path / "two" / "index.faiss").replace(tmp_path / "one" / "index.faiss")
    with pytest.raises(DamagedIndexError, match="not of one index"):
        VectorIndex.open(tmp_path / "one")


@pytest.mark.parametrize(("m", "half"), [(48, False), (56, True), (96, True)])
def test_long_codes_take_half_precision_tables_on_a_gpu(m: int, half: bool) -> None:
    options = cloner_options(IndexSpec("ivfpq", 16, m))
    assert (options.useFloat16, options.usePrecomputed) == (half, False)


@pytest.mark.parametrize(
    "name", ["index.json", "vectors.npy", "tie_rank.npy", "entry_rows.npy", "index.faiss"]
)
def test_damaged_files_are_told_by_name(large: Vectors, tmp_path: Path, name: str) -> None:
    saved(tmp_path, large, IndexSpec("ivfpq", 16, 8))
    whole = (tmp_path / name).read_bytes()
    (tmp_path / name).write_bytes(whole[: len(whole) // 3])
    with pytest.raises(DamagedIndexError, match=name):
        VectorIndex.open(tmp_path)
    (tmp_path / name).unlink()
    with pytest.raises(DamagedIndexError, match=name):
        VectorIndex.open(tmp_path)


def test_devices() -> None:
    assert resolve_device("cpu") == "cpu"
    assert resolve_device("auto") == ("cuda" if faiss.get_num_gpus() else "cpu")
    with pytest.raises(SpecError, match="tpu"):
        resolve_device("tpu")


@pytest.mark.skipif(faiss.get_num_gpus() > 0, reason="there is a GPU")
def test_a_gpu_that_is_not_there_is_told() -> None:
    with pytest.raises(NoGpuError, match="FAISS sees no GPU here"):
        resolve_device("cuda")


@pytest.mark.gpu
@pytest.mark.skipif(faiss.get_num_gpus() == 0, reason="no GPU")
@pytest.mark.parametrize("dim", [32, 256])
def test_an_index_built_on_a_gpu_recalls_as_one_built_on_the_cpu(dim: int, tmp_path: Path) -> None:
    vectors = clustered(12_000, dim)
    built: BuiltIndex = build_index(vectors, choose_spec(*vectors.shape), "cuda")
    assert built.device == "cuda"
    stored = create_vectors(tmp_path, *vectors.shape)
    stored[:] = vectors
    stored.flush()
    save_index(tmp_path, built, np.arange(len(vectors)))
    _, rows = VectorIndex.open(tmp_path).search(vectors[:300], 1)
    assert (rows[:, 0] == np.arange(300)).mean() >= 0.99
