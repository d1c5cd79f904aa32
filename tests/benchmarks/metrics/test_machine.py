from __future__ import annotations

import numpy as np
import pytest
import torch
from support.catalogs import titles

from itemsearch.benchmarks.metrics.machine import matrix_flops, model_flops
from itemsearch.benchmarks.metrics.memory import MemoryWatch
from itemsearch.embed.torch_encoder import TorchEncoder


def test_operations_of_a_model_are_those_of_its_matrix_products(torch_encoder: TorchEncoder) -> None:
    """Counted by hand: four projections, two feed-forward layers, and attention."""
    [batch] = torch_encoder.prepare(titles(3), [None] * 3, 32)
    words = batch.input_ids.shape[1]
    products = words * (4 * 32 * 32 + 2 * 32 * 64) + 2 * words * words * 32
    assert model_flops(torch_encoder, [batch]) == pytest.approx(2 * 3 * products, rel=0.01)


def test_memory_is_watched() -> None:
    with MemoryWatch() as memory:
        block = np.ones(100 * 2**20, np.uint8)
        del block
    assert memory.peak > memory.before


def test_a_matrix_product_takes_time() -> None:
    assert 1e8 < matrix_flops(torch.device("cpu"), torch.float32) < 1e16


def test_preparing_and_embedding_are_encoding(torch_encoder: TorchEncoder) -> None:
    texts = titles(20)
    embeddings = np.empty((20, torch_encoder.dim), np.float32)
    for batch in torch_encoder.prepare(texts, [None] * 20, 8):
        embeddings[batch.rows] = torch_encoder.embed(batch)
    assert np.array_equal(embeddings, torch_encoder.encode(texts, [None] * 20, 8))
