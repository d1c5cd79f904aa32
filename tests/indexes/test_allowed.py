from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pytest

from itemsearch.indexes.arrays import Mask, Rows, Vectors
from itemsearch.indexes.building.train import build_index
from itemsearch.indexes.searching import vector_index as search
from itemsearch.indexes.searching.allowed import UNKNOWN, Allowed, Limits
from itemsearch.indexes.searching.inner_products import inner_products
from itemsearch.indexes.searching.params import SearchParams
from itemsearch.indexes.searching.vector_index import VectorIndex
from itemsearch.indexes.searching.within import search_within
from itemsearch.indexes.storage.files import save_index
from itemsearch.indexes.storage.vectors import create_vectors
from itemsearch.indexes.types import IndexSpec

EXACT, IVFPQ = IndexSpec("exact"), IndexSpec("ivfpq", 64, 8)


@dataclass(frozen=True)
class Case:
    """An index of listings, and they themselves: many share their vector with others, 501 share one."""

    index: VectorIndex
    vectors: Vectors
    tie_rank: Rows
    everything: SearchParams

    def slow(self, query: Vectors, k: int, mask: Mask, exclude: int = -1) -> list[int]:
        scores = inner_products(query[None], self.vectors, np.arange(len(self.vectors))[None])[0]
        order = np.lexsort((self.tie_rank, -scores))
        return [row for row in order.tolist() if mask[row] and row != exclude][:k]


@pytest.fixture(scope="module", params=[EXACT, IVFPQ], ids=["exact", "ivfpq"])
def case(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Case:
    rng, folder = np.random.default_rng(0), tmp_path_factory.mktemp("index")
    rows = 3_000 if request.param == EXACT else 12_000
    kinds = rng.standard_normal((rows // 8, 16))
    vectors = kinds[rng.integers(len(kinds), size=rows)] + 0.3 * rng.standard_normal((rows, 16))
    again = rng.choice(rows, rows // 6, replace=False)
    vectors[again] = vectors[rng.permutation(again)[rng.integers(len(again), size=len(again))]]
    vectors = np.concatenate([vectors, np.tile(vectors[:1], (500, 1))])
    stored = create_vectors(folder, *vectors.shape)
    stored[:] = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    stored.flush()
    rank = rng.permutation(len(vectors))
    save_index(folder, build_index(stored, request.param, "cpu"), rank)
    everything = SearchParams(request.param.nlist, len(vectors))
    return Case(VectorIndex.open(folder), np.array(stored), rank, everything)


def random_mask(rows: int, kept: int, seed: int = 1) -> Mask:
    return np.isin(np.arange(rows), np.random.default_rng(seed).choice(rows, kept, replace=False))


def queries_of(case: Case, count: int, seed: int = 2) -> Rows:
    """Rows, among them some of the vector that 501 listings share."""
    several = np.random.default_rng(seed).choice(len(case.vectors), count, replace=False)
    return np.concatenate([several, [0, len(case.vectors) - 1]])


def test_an_entry_counts_when_one_of_its_rows_is_allowed(case: Case) -> None:
    mask = random_mask(len(case.vectors), len(case.vectors) // 3)
    allowed = case.index.allow(mask)
    distinct = case.index.distinct
    expected = [
        [row for row in distinct.rows[distinct.offsets[entry] : distinct.offsets[entry + 1]] if mask[row]]
        for entry in range(len(distinct))
    ]
    held = [entry for entry, rows in enumerate(expected) if rows]
    assert allowed.entries.tolist() == held
    for number, entry in enumerate(held):
        start, stop = allowed.distinct.offsets[number : number + 2]
        assert allowed.distinct.rows[start:stop].tolist() == expected[entry]
    numbers = allowed.numbers(np.arange(-1, len(distinct))).tolist()
    assert numbers == [-1, *(held.index(entry) if entry in held else -1 for entry in range(len(distinct)))]
    selector = allowed.selector()
    assert [entry for entry in range(len(distinct)) if selector.is_member(entry)] == held


@pytest.mark.parametrize("through_lists", [False, True], ids=["compared", "through lists"])
@pytest.mark.parametrize("share", [0, 1e-9, 0.003, 0.5, 1])
def test_search_under_a_filter_is_exact_search_under_it(
    case: Case, share: float, through_lists: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    total = len(case.vectors)
    mask = random_mask(total, int(np.ceil(share * total)))
    if through_lists:
        monkeypatch.setattr(search, "COMPARED_NUMBERS", 0)
    own = queries_of(case, 12)
    for k in (1, 10, 700):
        scores, rows = case.index.search(case.vectors[own], k, case.everything, own, case.index.allow(mask))
        for query, found, score in zip(own, rows.tolist(), scores, strict=True):
            expected = case.slow(case.vectors[query], k, mask, query)
            assert found == expected + [-1] * (k - len(expected))
            exact = case.vectors[expected] @ case.vectors[query]
            np.testing.assert_allclose(score[: len(expected)], exact, atol=1e-6)
            assert np.isneginf(score[len(expected) :]).all()


def test_few_allowed_rows_are_compared_one_by_one_by_default(case: Case) -> None:
    mask = random_mask(len(case.vectors), 400)
    own = queries_of(case, 30)
    _, rows = case.index.search(case.vectors[own], 10, exclude=own, allowed=case.index.allow(mask))
    assert rows.tolist() == [case.slow(case.vectors[query], 10, mask, query) for query in own]


@pytest.mark.parametrize("share", [0.003, 0.1, 0.5])
def test_recall_through_the_lists_at_the_defaults(
    case: Case, share: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(search, "COMPARED_NUMBERS", 0)
    mask = random_mask(len(case.vectors), int(share * len(case.vectors)))
    own = queries_of(case, 100)
    _, rows = case.index.search(case.vectors[own], 10, exclude=own, allowed=case.index.allow(mask))
    assert (rows >= 0).all()
    assert mask[rows].all()
    expected = [case.slow(case.vectors[query], 10, mask, query) for query in own]
    found = [len(set(a) & set(b)) / 10 for a, b in zip(rows.tolist(), expected, strict=True)]
    assert np.mean(found) >= 0.99


def test_allowed_rows_in_other_lists_than_those_visited_are_found(
    case: Case, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The filter of a query far from all that it lets through."""
    monkeypatch.setattr(search, "COMPARED_NUMBERS", 0)
    near = case.vectors @ case.vectors[5]
    mask = near < np.quantile(near, 0.2)
    allowed = case.index.allow(mask)
    _, rows = case.index.search(case.vectors[5:6], 40, SearchParams(1, 100), allowed=allowed)
    assert mask[rows].all()
    assert len(set(rows[0].tolist())) == 40


@pytest.mark.parametrize("labels", [2, 40, 5_000])
@pytest.mark.parametrize("filtered", [False, True])
def test_results_of_another_label_are_exact_search_among_them(
    case: Case, labels: int, filtered: bool
) -> None:
    total = len(case.vectors)
    rng = np.random.default_rng(labels)
    label = rng.integers(-1, labels, size=total)
    label[-500:] = label[0] = 1  # one seller's 501 times one vector: more than are looked up at first
    mask = random_mask(total, total // 3) if filtered else np.ones(total, bool)
    own = queries_of(case, 25)
    asked = label[own].copy()
    asked[:3] = UNKNOWN, labels + 7, 0
    allowed: Allowed | None = case.index.allow(mask) if filtered else None
    limits = Limits(exclude=own, allowed=allowed, labels=label, own=asked)
    scores, rows = search_within(case.index, case.vectors[own], 10, limits)
    agreed = wanted = 0
    for query, theirs, found, score in zip(own, asked, rows.tolist(), scores, strict=True):
        others = mask & (label != theirs) & (label != UNKNOWN) & (theirs != UNKNOWN)
        expected = case.slow(case.vectors[query], 10, others, query)
        assert len([row for row in found if row >= 0]) == len(expected)
        assert others[[row for row in found if row >= 0]].all()
        assert (np.isneginf(score) == (np.array(found) < 0)).all()
        agreed += len(set(found) & set(expected))
        wanted += len(expected)
    assert agreed >= 0.98 * wanted > 100
    assert rows[0].tolist() == [-1] * 10


def test_one_label_alone_differs_from_nothing(case: Case) -> None:
    total = len(case.vectors)
    limits = Limits(labels=np.zeros(total, np.int64), own=np.zeros(2, np.int64))
    assert (search_within(case.index, case.vectors[:2], 5, limits)[1] == -1).all()


def test_without_labels_limits_are_those_of_a_search(case: Case) -> None:
    mask = random_mask(len(case.vectors), 2_000)
    own, allowed = np.array([3, 4]), case.index.allow(mask)
    expected = case.index.search(case.vectors[own], 5, exclude=own, allowed=allowed)
    found = search_within(case.index, case.vectors[own], 5, Limits(own, allowed))
    for one, other in zip(found, expected, strict=True):
        np.testing.assert_array_equal(one, other)
