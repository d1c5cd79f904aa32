from __future__ import annotations

from dataclasses import fields, replace
from pathlib import Path

import numpy as np
import pytest
import torch
from support.catalogs import draw_picture, titles

from itemsearch.model import EncoderInput, ITEmForPreTraining, ITEmModel, ITEmProcessor
from itemsearch.model.pretraining import ObjectiveWeights, PretrainBatch
from itemsearch.objectives.masking import IGNORED
from itemsearch.pretrain.cached_contrast import cache_contrast, random_state, set_random_state

ALONE = ObjectiveWeights(itm=0, mlm=0, mim=0, global_mlm=0, global_mim=0, relisting=1)


@pytest.fixture
def model(tiny_model: Path) -> ITEmForPreTraining:
    encoder = ITEmModel.from_pretrained(tiny_model)
    pretraining = ITEmForPreTraining(encoder.config)
    pretraining.item.load_state_dict(encoder.state_dict())
    return pretraining


@pytest.fixture
def batch(tiny_model: Path) -> PretrainBatch:
    """Twelve products, each listed twice; every fifth shows another's picture."""
    processor = ITEmProcessor.from_pretrained(tiny_model)
    pictures = [draw_picture(number) for number in range(12)]
    first = processor(titles(12), pictures)
    return PretrainBatch(
        first=replace(first, patch_mask=torch.zeros((12, 16), dtype=torch.bool)),
        second=processor([f"new {title.lower()}" for title in titles(12)], pictures),
        labels=torch.full_like(first.input_ids[:, 1:], IGNORED),
        matched=torch.arange(12) % 5 != 3,
    )


def rows_of(batch: PretrainBatch, rows: slice) -> PretrainBatch:
    def cut(listing: EncoderInput) -> EncoderInput:
        tensors = {field.name: getattr(listing, field.name) for field in fields(listing)}
        return EncoderInput(
            **{name: None if tensor is None else tensor[rows] for name, tensor in tensors.items()}
        )

    assert batch.second is not None
    return PretrainBatch(cut(batch.first), cut(batch.second), batch.labels[rows], batch.matched[rows])


def gradients(model: ITEmForPreTraining) -> dict[str, np.ndarray]:
    weights = {name: weight.grad for name, weight in model.named_parameters() if weight.grad is not None}
    return {name: gradient.numpy().copy() for name, gradient in weights.items()}


def test_small_batches_pull_as_one_large_one(model: ITEmForPreTraining, batch: PretrainBatch) -> None:
    model.eval()
    whole = model(batch, ALONE, 0.05)["loss"]
    whole.backward()
    expected = gradients(model)
    model.zero_grad()
    small = [rows_of(batch, slice(start, start + 4)) for start in (0, 4, 8)]
    for part, contrast in zip(small, cache_contrast(model, small, 0.05), strict=True):
        loss = model(part, ALONE, 0.05, contrast.attach)["loss"]
        assert loss.item() == pytest.approx(whole.item(), abs=1e-5)
        (loss / 3).backward()  # as accumulation does
    accumulated = gradients(model)
    assert set(accumulated) == set(expected)
    for name, gradient in expected.items():
        np.testing.assert_allclose(accumulated[name], gradient, atol=1e-5, err_msg=name)


def test_dropout_is_the_same_in_both_passes(model: ITEmForPreTraining, batch: PretrainBatch) -> None:
    model.train()
    torch.manual_seed(3)
    [contrast] = cache_contrast(model, [batch], 0.05)
    loss = model(batch, ALONE, 0.05)["loss"]
    assert loss.item() != pytest.approx(contrast.loss.item(), abs=1e-4)
    set_random_state(contrast.random_state)
    again = model(batch, ALONE, 0.05)["loss"]
    assert again.item() == pytest.approx(contrast.loss.item(), abs=1e-5)


def test_a_random_state_can_be_put_back() -> None:
    state = random_state()
    drawn = torch.rand(3)
    set_random_state(state)
    assert torch.equal(torch.rand(3), drawn)
