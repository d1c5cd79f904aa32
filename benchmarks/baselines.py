"""The usual means: the title alone, the picture alone, the two side by side."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt
import torch
from PIL import Image
from torch.nn import functional as F
from transformers import AutoModel

from itemsearch.model.efficientnet import POOLED_CHANNELS, EfficientNetLite0
from itemsearch.model.processing import ITEmImageProcessor
from itemsearch.pretrain.start import MINILM, load_lite0, load_tokenizer, resolve_text_start

Vectors = npt.NDArray[np.float32]

IMAGE_SIDE = 224
BATCH = 32


def embed_baselines(titles: Sequence[str], images: Sequence[Image.Image | None]) -> Mapping[str, Vectors]:
    """(N, D) of length 1 for each baseline; a missing modality is zero."""
    title, image = embed_titles(titles), embed_images(images)
    both = np.concatenate([title, image], axis=1)
    both /= np.linalg.norm(both, axis=1, keepdims=True).clip(min=1e-12)
    return {"title alone": title, "image alone": image, "title and image": both}


@torch.inference_mode()
def embed_titles(titles: Sequence[str]) -> Vectors:
    """all-MiniLM-L6-v2, mean pooled, as its authors use it: (N, 384)."""
    tokenizer = load_tokenizer(MINILM, 128)
    model = AutoModel.from_pretrained(resolve_text_start(MINILM), dtype=torch.float32).eval()
    embedded = []
    for start in range(0, len(titles), BATCH):
        words = tokenizer(
            list(titles[start : start + BATCH]), padding=True, truncation=True, return_tensors="pt"
        )
        states = model(**words).last_hidden_state  # (B, T, D)
        weights = words["attention_mask"][..., None]
        pooled = F.normalize((states * weights).sum(dim=1) / weights.sum(dim=1), dim=-1)
        present = torch.tensor([bool(title) for title in titles[start : start + BATCH]])
        embedded.append(pooled * present[:, None])
    return torch.cat(embedded).numpy()


@torch.inference_mode()
def embed_images(images: Sequence[Image.Image | None]) -> Vectors:
    """EfficientNet-Lite0's pooled features at 224 pixels: (N, 1280)."""
    network = EfficientNetLite0().eval()
    network.load_state_dict(load_lite0())
    process = ITEmImageProcessor(side=IMAGE_SIDE)
    embedded = np.zeros((len(images), POOLED_CHANNELS), np.float32)
    present = [row for row, image in enumerate(images) if image is not None]
    for start in range(0, len(present), BATCH):
        rows = present[start : start + BATCH]
        pixels = torch.from_numpy(process([image for row in rows if (image := images[row]) is not None]))
        embedded[rows] = F.normalize(network(pixels)[1], dim=-1).numpy()
    return embedded
