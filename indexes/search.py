"""Nearest vectors: candidates from the index, then ranked by their exact inner product."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import faiss
import numpy as np
import numpy.typing as npt

from indexes.choose import IndexSpec
from indexes.files import FAISS_INDEX, TIE_RANK, VECTORS, map_array, read_faiss, read_files_summary

Vectors = npt.NDArray[np.float32]
Rows = npt.NDArray[np.int64]

BLOCK_QUERIES = 64
SPARE_CANDIDATES = 16
ROUNDING = 1e-5
"""How far two ways of summing the same inner product in float32 may end apart."""


@dataclass(frozen=True, slots=True)
class SearchParams:
    """nprobe: inverted lists visited. candidates: rows ranked exactly for each query."""

    nprobe: int
    candidates: int


def default_params(spec: IndexSpec, k: int) -> SearchParams:
    """Ten candidates a result, at least 200: ranking them exactly costs less than finding them."""
    return SearchParams(spec.nprobe, max(10 * k, 200))


class VectorIndex:
    """N vectors of length 1 in D dimensions, searched by inner product, which is then the cosine.

    vectors (N, D) float32 and tie_rank (N,) int64 are mapped from their files: rows of equal score come in
    order of tie_rank.
    """

    def __init__(self, spec: IndexSpec, vectors: Vectors, tie_rank: Rows, index: Any | None) -> None:
        self.spec = spec
        self.vectors = vectors
        self.tie_rank = tie_rank
        self.index = index

    @classmethod
    def open(cls, folder: Path) -> VectorIndex:
        """Opens what `save_index` wrote; reads little, maps the rest.

        Raises:
            DamagedIndexError: a file is missing or not whole.
        """
        spec = read_files_summary(folder).spec
        index = None if spec.kind == "exact" else read_faiss(folder / FAISS_INDEX)
        return cls(spec, map_array(folder / VECTORS), map_array(folder / TIE_RANK), index)

    def search(
        self, queries: Vectors, k: int, params: SearchParams | None = None, exclude: Rows | None = None
    ) -> tuple[Vectors, Rows]:
        """The k rows nearest to each of (Q, D) queries of length 1.

        Args:
            params: defaults to `default_params`; an exact index has none.
            exclude: (Q,) a row to leave out of each query's answer, such as its own.

        Returns:
            scores (Q, k) float32 in [-1, 1], exact, best first; rows (Q, k) int64. Where fewer than k rows
            are found, -1 and a score of -inf fill the rest. Among equal scores, the lowest tie_rank wins:
            of all rows for an exact index, of the candidates for IVF-PQ.
        """
        params = params or default_params(self.spec, k)
        scores = np.full((len(queries), k), -np.inf, np.float32)
        rows = np.full((len(queries), k), -1, np.int64)
        for start in range(0, len(queries), BLOCK_QUERIES):
            block = np.ascontiguousarray(queries[start : start + BLOCK_QUERIES], np.float32)
            candidates = self._candidates(block, k + (exclude is not None), params)
            if exclude is not None:
                candidates[candidates == exclude[start : start + len(block), None]] = -1
            exact = self._inner_products(block, candidates)  # (q, c)
            for place in range(len(block)):
                if self.index is None and _reaches_the_edge(exact[place], k, self.vectors.shape[0]):
                    left_out = -1 if exclude is None else int(exclude[start + place])
                    best, found = self._all_tied(block[place], exact[place], k, left_out)
                else:
                    best, found = self._ranked(exact[place], candidates[place], k)
                scores[start + place, : len(best)], rows[start + place, : len(found)] = best, found
        return scores, rows

    def _candidates(self, queries: Vectors, k: int, params: SearchParams) -> Rows:
        """(q, c) rows, -1 for none, in no order to rely on."""
        if self.index is None:
            count = min(k + SPARE_CANDIDATES, len(self.vectors))
            return np.array(faiss.knn(queries, self.vectors, count, faiss.METRIC_INNER_PRODUCT)[1], np.int64)
        count = min(max(params.candidates, k), len(self.vectors))
        chosen = faiss.SearchParametersIVF()
        chosen.nprobe = min(params.nprobe, self.spec.nlist)
        return np.array(self.index.search(queries, count, params=chosen)[1], np.int64)

    def _inner_products(self, queries: Vectors, candidates: Rows) -> Vectors:
        """(q, c) scores, -inf for no candidate; summed alike for every row, so that ties are exact."""
        near = self.vectors[candidates]  # (q, c) -> (q, c, D); -1 reads the last row, and is masked below
        scores: Vectors = np.einsum("qcd,qd->qc", near, queries).clip(-1.0, 1.0)
        return np.where(candidates >= 0, scores, -np.inf).astype(np.float32)

    def _ranked(self, scores: Vectors, candidates: Rows, k: int) -> tuple[Vectors, Rows]:
        order = np.lexsort((self.tie_rank[candidates], -scores))[:k]
        order = order[scores[order] > -np.inf]
        return scores[order], candidates[order]

    def _all_tied(self, query: Vectors, seen: Vectors, k: int, left_out: int) -> tuple[Vectors, Rows]:
        """More rows tie for the k-th place than were looked at: ranks all that could have it."""
        least = np.sort(seen)[-k] - ROUNDING
        candidates = np.flatnonzero(self.vectors @ query >= least)
        candidates = candidates[candidates != left_out]
        return self._ranked(self._inner_products(query[None], candidates[None])[0], candidates, k)


def _reaches_the_edge(scores: Vectors, k: int, rows: int) -> bool:
    """Whether the last candidate scores as the k-th does, so that rows beyond it may too."""
    found = scores[scores > -np.inf]
    return k <= len(found) < rows - 1 and float(found.min()) >= float(np.sort(found)[-k]) - ROUNDING
