from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import torch
from huggingface_hub.errors import StrictDataclassError
from PIL import Image
from transformers import AutoModel, AutoProcessor

from itemsearch.model import EncoderInput, ITEmConfig, ITEmModel, ITEmProcessor

RED, BLUE = Image.new("RGB", (40, 30), "red"), Image.new("RGB", (40, 30), "blue")


@pytest.fixture(scope="module")
def parts(tiny_model: Path) -> tuple[ITEmModel, ITEmProcessor]:
    return ITEmModel.from_pretrained(tiny_model).eval(), ITEmProcessor.from_pretrained(tiny_model)


def embed(
    parts: tuple[ITEmModel, ITEmProcessor], titles: list[str], images: list[Image.Image | None]
) -> torch.Tensor:
    model, processor = parts
    with torch.no_grad():
        return model(processor(titles, images)).embedding


def test_shapes(parts: tuple[ITEmModel, ITEmProcessor]) -> None:
    model, processor = parts
    listing = processor(["red mug", "a blue lamp model 002"], [RED, BLUE])
    output = model(listing)
    length = listing.input_ids.shape[1]
    assert output.global_state.shape == (2, 32)
    assert output.tokens.shape == (2, length - 1, 32)
    assert output.patches.shape == (2, 16, 32)
    assert output.patch_features.shape == (2, 16, 3 * 8 * 8)
    assert output.embedding.shape == (2, 32 + 2**3 + 64)
    torch.testing.assert_close(output.embedding.norm(dim=1), torch.ones(2))


def test_what_stands_in_for_a_missing_picture_changes_nothing(parts: tuple[ITEmModel, ITEmProcessor]) -> None:
    model, processor = parts
    listing = processor(["red mug", "blue lamp"], [RED, None])
    noisy = replace(listing, pixel_values=listing.pixel_values.clone())
    noisy.pixel_values[1] = torch.randn_like(noisy.pixel_values[1]) * 10
    with torch.no_grad():
        clean, other = model(listing), model(noisy)
    torch.testing.assert_close(clean.embedding, other.embedding)


def test_what_stands_in_for_a_missing_title_changes_nothing(parts: tuple[ITEmModel, ITEmProcessor]) -> None:
    model, processor = parts
    listing = processor(["red mug", "blue lamp"], [RED, BLUE])
    hidden = replace(listing, has_title=torch.tensor([True, False]))
    other_words = replace(hidden, input_ids=hidden.input_ids.clone(), ngrams=hidden.ngrams.clone())
    other_words.input_ids[1, 1:] = 7
    other_words.ngrams[1, 1:] = 7
    with torch.no_grad():
        torch.testing.assert_close(model(hidden).embedding, model(other_words).embedding)
        assert not torch.allclose(model(listing).embedding[1], model(hidden).embedding[1])


def test_a_title_alone_is_the_same_in_a_batch_with_pictures_and_without(
    parts: tuple[ITEmModel, ITEmProcessor],
) -> None:
    alone = embed(parts, ["red mug"], [None])
    among = embed(parts, ["red mug", "a much longer title with many words"], [None, BLUE])
    torch.testing.assert_close(alone[0], among[0], atol=1e-6, rtol=0)


def test_both_modalities_reach_the_embedding(parts: tuple[ITEmModel, ITEmProcessor]) -> None:
    a, b, c = embed(parts, ["red mug", "red mug", "blue lamp"], [RED, BLUE, RED])
    assert not torch.allclose(a, b)
    assert not torch.allclose(a, c)


def test_hidden_patches_are_hidden_from_the_stream(parts: tuple[ITEmModel, ITEmProcessor]) -> None:
    model, processor = parts
    everything = torch.ones((1, 16), dtype=torch.bool)
    red, blue = (replace(processor(["mug"], [image]), patch_mask=everything) for image in (RED, BLUE))
    with torch.no_grad():
        one, other = model(red), model(blue)
    for states in ("global_state", "tokens", "patches"):
        torch.testing.assert_close(getattr(one, states), getattr(other, states))
    assert not torch.allclose(one.patch_features, other.patch_features)


def test_auto_classes_and_a_saved_copy_give_the_same_embeddings(
    parts: tuple[ITEmModel, ITEmProcessor], tmp_path: Path
) -> None:
    model, processor = parts
    model.save_pretrained(tmp_path)
    processor.save_pretrained(tmp_path)
    assert not list(tmp_path.glob("*.bin"))
    again = (AutoModel.from_pretrained(tmp_path).eval(), AutoProcessor.from_pretrained(tmp_path))
    assert isinstance(again[0], ITEmModel)
    listings = (["red mug", "", "cap"], [RED, BLUE, None])
    torch.testing.assert_close(embed(again, *listings), embed(parts, *listings), rtol=0, atol=0)


def test_to_moves_every_tensor(parts: tuple[ITEmModel, ITEmProcessor]) -> None:
    listing: EncoderInput = parts[1](["red mug"], [None]).to("meta")
    assert listing.input_ids.device.type == listing.ngrams.device.type == "meta"
    assert listing.pixel_values is None


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"patches": "octagonal"}, "octagonal"),
        ({"pooling": "max"}, "max"),
        ({"image_size": 50, "patch_size": 16}, "50"),
        ({"image_skip_dim": 8}, "convolutional"),
        ({"lexical_dim": 12}, "12"),
    ],
)
def test_a_shape_that_cannot_be_built_is_refused(wrong: dict[str, object], message: str) -> None:
    with pytest.raises((StrictDataclassError, ValueError), match=message):
        ITEmConfig(**wrong)
