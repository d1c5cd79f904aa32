"""Builds and searches an IVF-PQ index of torch tensors where they are: on a GPU without a copy on the host.

FAISS takes the addresses of what they hold. `faiss.contrib.torch_utils`, which would take tensors themselves,
replaces the methods of all indexes of the process, and they lose the parameters of a search. On a GPU FAISS
computes on a stream of its own: whoever makes a tensor waits before it is handed over, and waits for what is
found (`torch.cuda.synchronize`).
"""

from __future__ import annotations

from typing import Any

import faiss

from itemsearch.indexes.building.choose import CODEWORDS
from itemsearch.indexes.building.train import BATCH_ROWS, POINTS_PER_CENTROID, empty_index
from itemsearch.indexes.gpu import to_gpu
from itemsearch.indexes.searching.inner_products import prefer_matrix_products
from itemsearch.indexes.types import IndexSpec


def index_tensors(vectors: Any, spec: IndexSpec, seed: int = 0) -> Any:
    """Trains a FAISS index on the first of (N, D) float32 tensors of length 1 and adds all of them.

    The index is on the device of `vectors`; `search_tensors` asks it.
    """
    prefer_matrix_products(vectors.shape[1])
    index = empty_index(vectors.shape[1], spec, seed)
    if vectors.device.type == "cuda":
        index = to_gpu(index, spec)
    sample = vectors[: POINTS_PER_CENTROID * max(spec.nlist, CODEWORDS)]
    index.train_c(len(sample), _floats(sample))
    for start in range(0, len(vectors), BATCH_ROWS):
        batch = vectors[start : start + BATCH_ROWS]
        index.add_c(len(batch), _floats(batch))
    return index


def search_tensors(index: Any, queries: Any, k: int, nprobe: int) -> tuple[Any, Any]:
    """(Q, k) scores and rows of the nearest by code, as tensors on the device of the (Q, D) queries."""
    index.nprobe = nprobe
    scores = queries.new_empty((len(queries), k))
    rows = scores.long()
    addresses = _floats(scores), faiss.cast_integer_to_idx_t_ptr(rows.data_ptr())
    index.search_c(len(queries), _floats(queries), k, *addresses)
    return scores, rows


def _floats(tensor: Any) -> Any:
    """The address of a tensor's float32 numbers, as FAISS takes it."""
    assert tensor.is_contiguous(), "FAISS reads rows one after another"
    return faiss.cast_integer_to_float_ptr(tensor.data_ptr())
