from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from support.catalogs import draw_picture, write_catalog
from support.models import save_tiny_model
from transformers import AutoTokenizer, CLIPConfig, CLIPImageProcessorPil, CLIPModel, CLIPProcessor

from itemsearch.benchmarks.data.predictions import EVERYTHING
from itemsearch.benchmarks.methods.other_models import embed_with
from itemsearch.errors import ModelError
from itemsearch.pretrain.start import MINILM, resolve_text_start


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A CLIP of random weights, as transformers saves one."""
    folder = tmp_path_factory.mktemp("clip")
    small = {"hidden_size": 32, "intermediate_size": 32, "num_hidden_layers": 1, "num_attention_heads": 2}
    text = {**small, "vocab_size": 30522, "bos_token_id": 101, "eos_token_id": 102}
    vision = {**small, "image_size": 32, "patch_size": 8}
    CLIPModel(CLIPConfig(text_config=text, vision_config=vision, projection_dim=16)).save_pretrained(folder)
    side = {"height": 32, "width": 32}
    processor = CLIPImageProcessorPil(size={"shortest_edge": 32}, crop_size=side)
    tokenizer = AutoTokenizer.from_pretrained(resolve_text_start(MINILM))
    CLIPProcessor(processor, tokenizer).save_pretrained(folder)
    return folder


def test_a_model_embeds_the_modalities_it_has(clip: Path) -> None:
    titles, images = ["red mug", "", "blue mug"], [draw_picture(1), draw_picture(2), None]
    embedded = embed_with(str(clip), titles, images)
    lengths = {kind: np.linalg.norm(vectors, axis=1) for kind, vectors in embedded.items()}
    name = clip.name
    np.testing.assert_allclose(lengths[f"{name}, text"], [1, 0, 1], atol=1e-5)
    np.testing.assert_allclose(lengths[f"{name}, image"], [1, 1, 0], atol=1e-5)
    np.testing.assert_allclose(lengths[f"{name}, text and image"], 1, atol=1e-5)
    words = embed_with(resolve_text_start(MINILM), titles, images)
    assert list(words) == ["model, text"]
    assert words["model, text"].shape == (3, 384)


def test_a_folder_without_a_model_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"--baseline .*: cannot be loaded"):
        embed_with(str(tmp_path), ["mug"], [None])


def test_other_models_stand_beside_ours(
    benchmark: Callable[..., Any], tiny_model: Path, clip: Path, tmp_path: Path
) -> None:
    catalog, second = write_catalog(tmp_path / "small", 8), save_tiny_model(tmp_path / "second", seed=1)
    arguments = ["retrieval", catalog, "--out", tmp_path / "run", "--baseline", clip]
    metrics = benchmark(*arguments, "--model", tiny_model, "--model", second)
    figures = metrics["galleries"][EVERYTHING]["figures"]
    assert "itemsearch 2 (second)" in figures
    assert f"{clip.name}, text and image" in figures
    assert (tmp_path / "run" / "models" / "1" / "index").is_dir()
