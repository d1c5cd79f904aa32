"""Builds and searches an IVF-PQ index of torch tensors where they are: on a GPU without a copy on the host.

FAISS wiki, "Faiss on the GPU", section "Using PyTorch"; faiss/contrib/torch_utils.py.
"""

from __future__ import annotations

from typing import Any

from itemsearch.indexes.building.choose import CODEWORDS
from itemsearch.indexes.building.train import BATCH_ROWS, POINTS_PER_CENTROID, empty_index
from itemsearch.indexes.gpu import to_gpu
from itemsearch.indexes.searching.inner_products import prefer_matrix_products
from itemsearch.indexes.types import IndexSpec


def index_tensors(vectors: Any, spec: IndexSpec, seed: int = 0) -> Any:
    """Trains a FAISS index on the first of (N, D) float32 tensors of length 1 and adds all of them.

    The index is on the device of `vectors`; `search_tensors` asks it.
    """
    _take_tensors()
    prefer_matrix_products(vectors.shape[1])
    index = empty_index(vectors.shape[1], spec, seed)
    if vectors.device.type == "cuda":
        index = to_gpu(index, spec)
    index.train(vectors[: POINTS_PER_CENTROID * max(spec.nlist, CODEWORDS)])
    for start in range(0, len(vectors), BATCH_ROWS):
        index.add(vectors[start : start + BATCH_ROWS])
    return index


def search_tensors(index: Any, queries: Any, k: int, nprobe: int) -> tuple[Any, Any]:
    """(Q, k) scores and rows of the nearest by code, as tensors on the device of the (Q, D) queries."""
    index.nprobe = nprobe
    scores, rows = index.search(queries, k)
    return scores, rows


def _take_tensors() -> None:
    """FAISS's indexes take tensors from then on, in this process: the import replaces their methods."""
    import faiss.contrib.torch_utils  # noqa: F401
