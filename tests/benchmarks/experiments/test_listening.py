from __future__ import annotations

import numpy as np
import pytest
import torch
from support.catalogs import draw_picture

from itemsearch.benchmarks.experiments.listening import (
    cls_attention,
    eager,
    embedding_share,
    patch_share,
    stream_gradients,
)
from itemsearch.embed.torch_encoder import TorchEncoder


def test_attention_of_cls_is_shared_out(torch_encoder: TorchEncoder) -> None:
    listing = torch_encoder.processor(["red mug", "blue lamp model 007"], [draw_picture(0), draw_picture(1)])
    before = torch_encoder.model.config._attn_implementation
    with eager(torch_encoder.model):
        layers, evenly = cls_attention(torch_encoder.model, listing)
    assert torch_encoder.model.config._attn_implementation == before
    assert len(layers) == 1
    assert all(sum(shares) == pytest.approx(1, abs=1e-4) for shares in [*layers, evenly])
    lengths = listing.attention_mask.sum(dim=1).tolist()
    assert evenly[0] == pytest.approx(np.mean([1 / (length + 16) for length in lengths]), rel=1e-4)
    # Random weights hardly prefer anything.
    assert layers[0][2] == pytest.approx(evenly[2], abs=0.1)


def test_gradient_goes_where_the_value_comes_from(torch_encoder: TorchEncoder) -> None:
    listing = torch_encoder.processor(["red mug"], [draw_picture(0)])
    length = listing.input_ids.shape[1]

    def values() -> dict[str, torch.Tensor]:
        output = torch_encoder.model(listing)
        return {"both": output.global_state.sum() ** 2, "none": output.global_state.sum() * 0}

    found = dict(stream_gradients(torch_encoder.model, values))
    assert found["both"].shape == (1, length + 16, 32)
    assert patch_share(found["none"], length) == 0
    at_words = torch.zeros(1, length + 16, 32)
    at_words[:, 1:length] = 1
    assert patch_share(at_words, length) == 0
    assert patch_share(1 - at_words, length) == 1
    assert 0 < embedding_share(torch_encoder.model, listing) < 1
