"""Checks that the vectors of an index find themselves, which shows that the index belongs to its vectors."""

from __future__ import annotations

from collections.abc import Iterator

import faiss
import numpy as np

from itemsearch.indexes.arrays import Mask, Rows, Vectors
from itemsearch.indexes.searching.inner_products import inner_products
from itemsearch.indexes.searching.vector_index import VectorIndex

BLOCK_ROWS = 1024


def lost_rows(index: VectorIndex, rows: Rows) -> Iterator[Rows]:
    """Yields, for each block of (R,) rows, those that do not find themselves.

    A row is lost if the best result of a search by its vector scores less than the row itself, or if its
    entry is in none of the inverted lists that the search visits. The second test is needed because a vector
    is also found by its hash, whatever the inverted lists contain.
    """
    for start in range(0, len(rows), BLOCK_ROWS):
        block = rows[start : start + BLOCK_ROWS]
        vectors = np.ascontiguousarray(index.vectors[block])
        best = index.search(vectors, 1)[0]
        own = inner_products(vectors, index.vectors, block[:, None])
        yield block[(best[:, 0] < own[:, 0]) | _unlisted(index, vectors)]


def _unlisted(index: VectorIndex, vectors: Vectors) -> Mask:
    """(R,) True for vectors whose entry is in none of the lists that a search visits by default.

    The search is limited to the R entries themselves, so that near-equal entries cannot displace them.
    """
    if index.hashed is None:
        return np.zeros(len(vectors), bool)
    entries = index.hashed.find(vectors, index.vectors, index.distinct)
    selector = faiss.IDSelectorBatch(np.unique(entries))
    listed = index.probe(vectors, len(vectors), index.spec.nprobe, selector)
    missing: Mask = (listed != entries[:, None]).all(axis=1)
    return missing
