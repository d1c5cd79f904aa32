from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from itemsearch.model import EncoderInput, ITEmConfig, ITEmModel

PARTS = {"stream": 16, "image": 6, "colour": 8, "lexical": 24}
SHAPE = {
    "vocab_size": 40, "hidden_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2,
    "intermediate_size": 16, "max_title_tokens": 8, "image_size": 64, "patches": "efficientnet_lite0",
    "image_skip_dim": 6, "colour_bins": 2, "lexical_dim": 24, "lexical_buckets": 64,
}  # fmt: skip


@pytest.fixture
def model() -> ITEmModel:
    torch.manual_seed(0)
    model = ITEmModel(ITEmConfig(**SHAPE)).eval()
    model.image_skip.fit(torch.rand(40, 1280))
    model.lexical.draw(seed=0)
    with torch.no_grad():
        model.part_weights.copy_(torch.tensor([0.5, -0.3, 0.1, 1.0]))
    return model


def listing(has_title: list[bool], has_image: list[bool]) -> EncoderInput:
    """The rows differ in everything, and what stands in for a missing modality is no zero."""
    generator = torch.Generator().manual_seed(len(has_title))
    rows = len(has_title)
    return EncoderInput(
        input_ids=torch.randint(5, 40, (rows, 6), generator=generator),
        attention_mask=torch.ones(rows, 6, dtype=torch.long),
        ngrams=torch.randint(1, 10_000, (rows, 9), generator=generator),
        pixel_values=torch.rand(rows, 3, 64, 64, generator=generator) - 0.5,
        has_title=torch.tensor(has_title),
        has_image=torch.tensor(has_image),
    )


def lengths(embedding: torch.Tensor) -> torch.Tensor:
    """(B, 4) of each part's slice."""
    return torch.stack([part.norm(dim=1) for part in embedding.split(list(PARTS.values()), dim=1)], dim=1)


def row_of(listings: EncoderInput, row: int) -> EncoderInput:
    kept = slice(row, row + 1)
    return EncoderInput(
        listings.input_ids[kept], listings.attention_mask[kept], listings.ngrams[kept],
        listings.pixel_values[kept], listings.has_title[kept], listings.has_image[kept],
    )  # fmt: skip


def test_parts_are_named_in_their_order_with_their_sizes() -> None:
    config = ITEmConfig(**SHAPE)
    assert list(config.parts.items()) == list(PARTS.items())
    assert config.embedding_dim == 54
    without = ITEmConfig(**{**SHAPE, "image_skip_dim": 0, "colour_bins": 0, "lexical_dim": 0})
    assert without.parts == {"stream": 16}
    assert ITEmModel(without).part_weights.shape == (1,)


def test_each_slice_has_the_length_that_its_weight_says(model: ITEmModel) -> None:
    with torch.no_grad():
        embedding = model(listing([True, True], [True, True])).embedding
    assert embedding.shape == (2, 54)
    weights = model.part_weights.detach().exp()
    torch.testing.assert_close(lengths(embedding), (weights / weights.norm()).expand(2, 4))


def test_a_missing_modality_leaves_its_slices_zero_and_the_length_one(model: ITEmModel) -> None:
    with torch.no_grad():
        embedding = model(listing([True, False, True], [True, True, False])).embedding
    present = torch.tensor([[1, 1, 1, 1], [1, 1, 1, 0], [1, 0, 0, 1]])
    weights = model.part_weights.detach().exp() * present
    torch.testing.assert_close(lengths(embedding), weights / weights.norm(dim=1, keepdim=True))
    torch.testing.assert_close(embedding.norm(dim=1), torch.ones(3))


def test_a_row_is_embedded_in_a_mixed_batch_as_it_is_alone(model: ITEmModel) -> None:
    mixed = listing([True, False, True, True], [True, True, False, True])
    with torch.no_grad():
        together = model(mixed)
        for row in range(4):
            alone = model(row_of(mixed, row))
            torch.testing.assert_close(together.embedding[row], alone.embedding[0], atol=1e-5, rtol=0)
        titles_only = model(replace(row_of(mixed, 2), pixel_values=None))
    torch.testing.assert_close(together.embedding[2], titles_only.embedding[0], atol=1e-5, rtol=0)
    assert titles_only.patches.shape == (1, 0, 16)
    assert together.patch_features[2].abs().max() == 0
    assert together.patch_features[3].abs().max() > 0


def test_the_picture_of_a_row_that_has_none_is_never_looked_at(model: ITEmModel) -> None:
    seen: list[int] = []
    model.patches.register_forward_hook(lambda module, inputs, output: seen.append(len(inputs[0])))
    with torch.no_grad():
        model(listing([True, True, True], [True, False, True]))
        model(listing([True, True], [True, True]))
        model(replace(listing([True], [False]), pixel_values=None))
    assert seen == [2, 2]


def test_gradients_reach_what_is_learnt_and_not_what_is_fitted(model: ITEmModel) -> None:
    first, second = model(listing([True, True], [True, True])).embedding
    (first @ second).backward()
    assert model.part_weights.grad.abs().min() > 0
    assert model.image_skip.projection.weight.grad.abs().max() > 0
    assert model.encoder.layer[0].attention.self.query.weight.grad.abs().max() > 0
    assert model.embeddings.word_embeddings.weight.grad.abs().max() > 0
    fitted = {"lexical.signs", "lexical.weights", "image_skip.centre"}
    assert fitted <= dict(model.named_buffers()).keys()
    assert not fitted & dict(model.named_parameters()).keys()
    assert all(buffer.grad is None and not buffer.requires_grad for buffer in model.buffers())


def test_the_skip_starts_from_the_principal_axes() -> None:
    torch.manual_seed(0)
    skip = ITEmModel(ITEmConfig(**SHAPE)).image_skip
    scales = torch.cat((torch.tensor([9.0, 6.0, 4.0, 3.0, 2.5, 2.0]), torch.full((1274,), 0.01)))
    pooled = torch.randn(400, 1280) * scales + 5
    skip.fit(pooled)
    view = skip(pooled).detach()
    torch.testing.assert_close(view.mean(dim=0), torch.zeros(6), atol=1e-3, rtol=0)
    # Each axis of scale s is divided by the root of its own: 9 to 2 becomes 3 to 1.41.
    ratio = view.std(dim=0)[0] / view.std(dim=0)[5]
    assert ratio.item() == pytest.approx((9 / 2) ** 0.5, rel=0.1)
