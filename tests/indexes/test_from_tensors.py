from __future__ import annotations

import faiss
import numpy as np
import pytest
import torch
from support.vectors import clustered

from itemsearch.indexes.building.from_tensors import index_tensors, search_tensors
from itemsearch.indexes.building.train import build_index
from itemsearch.indexes.types import IndexSpec

SPEC = IndexSpec("ivfpq", 32, 16)
needs_gpu = pytest.mark.skipif(faiss.get_num_gpus() == 0, reason="no GPU")


@pytest.mark.parametrize("device", ["cpu", pytest.param("cuda", marks=[pytest.mark.gpu, needs_gpu])])
def test_tensors_are_found_as_arrays_are(device: str) -> None:
    vectors = clustered(4000)
    base = torch.from_numpy(vectors).to(device)
    index = index_tensors(base, SPEC)
    assert index.ntotal == len(vectors)
    scores, rows = search_tensors(index, base[:200], 10, 8)
    assert (scores.shape, rows.device.type) == ((200, 10), device)
    assert (rows[:, 0].cpu().numpy() == np.arange(200)).mean() > 0.95
    slow = build_index(vectors, SPEC, "cpu").index
    slow.nprobe = 8
    _, expected = slow.search(vectors[:200], 10)
    shared = [len(set(one) & set(other)) for one, other in zip(rows.tolist(), expected.tolist(), strict=True)]
    assert np.mean(shared) > 8, "nearly the same, from another training sample"
