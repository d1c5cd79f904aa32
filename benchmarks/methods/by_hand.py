"""What one would put together without itemsearch, loaded once and asked for many batches."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Self

import numpy as np
import torch
from sentence_transformers import SentenceTransformer
from transformers import CLIPConfig, CLIPImageProcessorPil, CLIPModel

from itemsearch.benchmarks.data.tasks import TitlesAndImages
from itemsearch.benchmarks.data.vector_files import unit_length
from itemsearch.benchmarks.methods.baselines import (
    BATCH,
    IMAGE,
    TITLE,
    concatenated,
    embed_images,
    load_image_network,
)
from itemsearch.indexes.arrays import Floats
from itemsearch.model.efficientnet import EfficientNetLite0
from itemsearch.pretrain.start import MINILM, load_tokenizer, resolve_text_start


@dataclass(frozen=True, slots=True)
class ByHand:
    """all-MiniLM-L6-v2 by sentence-transformers and EfficientNet-Lite0, as the baseline "title and image"."""

    titles: SentenceTransformer
    images: EfficientNetLite0

    @classmethod
    def load(cls) -> Self:
        """
        Raises:
            ModelError: the packages of the weights are not installed.
        """
        texts = SentenceTransformer(resolve_text_start(MINILM), device="cpu", trust_remote_code=False)
        return cls(texts, load_image_network())

    def embed(self, listings: TitlesAndImages, half: bool = False) -> Floats:
        """(N, 1664) float32 of length 1. half: computes in bfloat16."""
        with torch.autocast("cpu", torch.bfloat16, enabled=half):
            titles = self.titles.encode(list(listings.titles), batch_size=BATCH, show_progress_bar=False)
            images = embed_images(listings.images, self.images)
        return concatenated({TITLE: unit_length(np.asarray(titles)), IMAGE: unit_length(images)}, 1.0)


@dataclass(frozen=True, slots=True)
class RandomClip:
    """CLIP ViT-B/32 of transformers, with random weights: what it embeds means nothing, what it costs does.

    Its own tokenizer is not to be had without a hub; titles are cut by that of MiniLM, into about as many
    tokens.
    """

    model: Any
    images: Any
    tokenizer: Any

    @classmethod
    def load(cls) -> Self:
        """
        Raises:
            ModelError: the package of MiniLM's tokenizer is not installed.
        """
        config = CLIPConfig()  # that of ViT-B/32
        return cls(CLIPModel(config).eval(), CLIPImageProcessorPil(), load_tokenizer(MINILM, 77))

    @torch.inference_mode()
    def embed(self, listings: TitlesAndImages, half: bool = False) -> Floats:
        """(N, 1024) float32 of N listings that have both. half: computes in bfloat16."""
        parts = []
        for start in range(0, len(listings.titles), BATCH):
            titles = list(listings.titles[start : start + BATCH])
            words = self.tokenizer(titles, padding=True, truncation=True, return_tensors="pt")
            pixels = self.images(list(listings.images[start : start + BATCH]), return_tensors="pt")
            with torch.autocast("cpu", torch.bfloat16, enabled=half):
                output = self.model(
                    input_ids=words["input_ids"],
                    attention_mask=words["attention_mask"],
                    pixel_values=pixels["pixel_values"],
                )
            both = [output.text_embeds, output.image_embeds]
            parts.append(torch.cat([each.float() for each in both], dim=1).numpy())
        return unit_length(np.concatenate(parts))
