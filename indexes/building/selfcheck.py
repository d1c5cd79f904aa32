"""Whether an index finds its own rows: the question that tells an index that belongs to its vectors."""

from __future__ import annotations

from collections.abc import Iterator

import faiss
import numpy as np
import numpy.typing as npt

from itemsearch.indexes.arrays import Rows, Vectors
from itemsearch.indexes.searching.inner_products import inner_products
from itemsearch.indexes.searching.vector_index import VectorIndex

BLOCK_ROWS = 1024


def lost_rows(index: VectorIndex, rows: Rows) -> Iterator[Rows]:
    """Those of (R,) rows that do not find themselves; an array a block of rows.

    A row is lost where a search by its vector brings something less like it first. That much its hash
    mends, whatever the inverted lists hold: so it is lost as well where none of the lists visited has it.
    """
    for start in range(0, len(rows), BLOCK_ROWS):
        block = rows[start : start + BLOCK_ROWS]
        vectors = np.ascontiguousarray(index.vectors[block])
        best = index.search(vectors, 1)[0]
        own = inner_products(vectors, index.vectors, block[:, None])
        yield block[(best[:, 0] < own[:, 0]) | _unlisted(index, vectors)]


def _unlisted(index: VectorIndex, vectors: Vectors) -> npt.NDArray[np.bool_]:
    """(R,) which entries of the very same vector are in none of the lists that a search visits by default.

    Only the R entries themselves are listed, so that no crowd of near-equal ones comes before.
    """
    if index.hashed is None:
        return np.zeros(len(vectors), bool)
    entries = index.hashed.find(vectors, index.vectors, index.distinct)
    asked = faiss.IDSelectorBatch(np.unique(entries))
    listed = index.probe(vectors, len(vectors), index.spec.nprobe, asked)
    missing: npt.NDArray[np.bool_] = (listed != entries[:, None]).all(axis=1)
    return missing
