"""The usual means: the title alone, the picture alone, the two side by side, TF-IDF, perceptual hashes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import imagehash
import numpy as np
import torch
from PIL import Image
from sklearn.feature_extraction.text import TfidfVectorizer
from transformers import AutoModel

from itemsearch.benchmarks.methods.other_models import embed_with, unit
from itemsearch.indexes.arrays import Floats
from itemsearch.model.efficientnet import POOLED_CHANNELS, EfficientNetLite0
from itemsearch.model.processing import ITEmImageProcessor
from itemsearch.pretrain.start import MINILM, load_lite0, load_tokenizer, resolve_text_start

TITLE, IMAGE, BOTH, RAW, WEIGHTED, TFIDF, HASH = (
    "title alone (MiniLM)",
    "image alone (EfficientNet-Lite0)",
    "title and image",
    "title and image, lengths as they are",
    "title and image, weighted",
    "TF-IDF of the title",
    "perceptual hash of the image",
)
IMAGE_SIDE = 224
BATCH = 32
BLOCK = 256


@dataclass(frozen=True, slots=True)
class Listed:
    """N listings as baselines see them: titles ("" for none) and RGB pictures (None for none)."""

    titles: Sequence[str]
    images: Sequence[Image.Image | None]


def embed_baselines(
    listed: Listed, image_weight: float | None = None, models: Sequence[str] = ()
) -> dict[str, Floats]:
    """(N, D) for each baseline whose modality any listing has; of length 1, or zero where it is missing.

    Args:
        image_weight: what the picture counts in `WEIGHTED`, against the title's 1; None leaves that one out.
        models: what else to embed with, as `other_models.embed_with` takes them.

    Raises:
        ModelError: one of the models cannot be loaded.
    """
    raw, embedded = {}, {}
    if any(listed.titles):
        raw[TITLE] = embed_titles(listed.titles)
    if any(image is not None for image in listed.images):
        raw[IMAGE] = embed_images(listed.images)
        embedded[HASH] = hash_images(listed.images)
    embedded |= {name: unit(vectors) for name, vectors in raw.items()}
    if len(raw) == 2:
        embedded[BOTH] = concatenated(embedded, 1.0)
        embedded[RAW] = concatenated(raw, 1.0)
        if image_weight is not None:
            embedded[WEIGHTED] = concatenated(embedded, image_weight)
    for model in models:
        embedded |= embed_with(model, listed.titles, listed.images)
    return embedded


def concatenated(embedded: Mapping[str, Floats], image_weight: float) -> Floats:
    """Title and picture side by side, of length 1."""
    return unit(np.concatenate([embedded[TITLE], embedded[IMAGE] * np.float32(image_weight)], axis=1))


@torch.inference_mode()
def embed_titles(titles: Sequence[str]) -> Floats:
    """all-MiniLM-L6-v2, mean pooled, as its authors use it: (N, 384), 0 where there is no title."""
    tokenizer = load_tokenizer(MINILM, 128)
    model = AutoModel.from_pretrained(resolve_text_start(MINILM), dtype=torch.float32).eval()
    embedded = np.zeros((len(titles), model.config.hidden_size), np.float32)
    # Titles of like length share a batch, so that little is computed for padding.
    present = sorted((row for row, title in enumerate(titles) if title), key=lambda row: len(titles[row]))
    for start in range(0, len(present), BATCH):
        rows = present[start : start + BATCH]
        words = tokenizer([titles[row] for row in rows], padding=True, truncation=True, return_tensors="pt")
        states = model(**words).last_hidden_state  # (B, T, D)
        weights = words["attention_mask"][..., None]
        embedded[rows] = ((states * weights).sum(dim=1) / weights.sum(dim=1)).numpy()
    return embedded


@torch.inference_mode()
def embed_images(images: Sequence[Image.Image | None]) -> Floats:
    """EfficientNet-Lite0's pooled features at 224 pixels: (N, 1280), 0 where there is no picture."""
    network = EfficientNetLite0().eval()
    network.load_state_dict(load_lite0())
    process = ITEmImageProcessor(side=IMAGE_SIDE)
    embedded = np.zeros((len(images), POOLED_CHANNELS), np.float32)
    present = [(row, image) for row, image in enumerate(images) if image is not None]
    for start in range(0, len(present), BATCH):
        rows, pictures = zip(*present[start : start + BATCH], strict=True)
        pixels = torch.from_numpy(process(pictures))
        embedded[list(rows)] = network(pixels)[1].numpy()
    return embedded


def hash_images(images: Sequence[Image.Image | None]) -> Floats:
    """The 64 bits of a DCT perceptual hash as numbers of one size: a cosine is 1 - Hamming distance / 32."""
    hashes = np.zeros((len(images), 64), np.float32)
    for row, image in enumerate(images):
        if image is not None:
            hashes[row] = np.where(imagehash.phash(image).hash.ravel(), 1, -1) / 8
    return hashes


def tfidf_scores(asked: Sequence[str], gallery: Sequence[str]) -> Iterator[Floats]:
    """(N,) cosines of TF-IDF vectors of character 3-5-grams, fitted to the gallery, a query at a time."""
    vectorizer = _vectorizer()
    held = vectorizer.fit_transform(gallery)
    wanted = vectorizer.transform(asked)
    for start in range(0, wanted.shape[0], BLOCK):
        yield from (wanted[start : start + BLOCK] @ held.T).toarray()


def tfidf_vectors(titles: Sequence[str]) -> Any:
    """(N, D) of length 1, as `tfidf_scores` compares: a sparse matrix of SciPy's."""
    return _vectorizer().fit_transform(titles)


def _vectorizer() -> TfidfVectorizer:
    return TfidfVectorizer(analyzer="char", ngram_range=(3, 5), dtype=np.float32)
