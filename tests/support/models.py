"""A model folder that takes seconds to make."""

from __future__ import annotations

from pathlib import Path

import torch

from itemsearch.model import ITEmConfig, ITEmImageProcessor, ITEmModel, ITEmProcessor
from itemsearch.pretrain.tokenizer import build_tokenizer
from support.catalogs import titles


def save_tiny_model(folder: Path, seed: int = 0) -> Path:
    """A model folder with random weights: seconds to make, and a real one in every other way."""
    torch.manual_seed(seed)
    tokenizer = build_tokenizer(titles(60), 16)
    config = ITEmConfig(
        vocab_size=len(tokenizer),
        hidden_size=32,
        num_hidden_layers=1,
        num_attention_heads=2,
        intermediate_size=64,
        max_title_tokens=16,
        image_size=32,
        patch_size=8,
        pooling="mean",
        colour_bins=2,
        lexical_dim=64,
        lexical_buckets=2048,
    )
    model = ITEmModel(config)
    assert model.lexical is not None
    model.lexical.draw(seed)
    model.lexical.fit(titles(60))
    model.save_pretrained(folder)
    ITEmProcessor(ITEmImageProcessor(side=32), tokenizer).save_pretrained(folder)
    return folder
