"""Baselines: title embeddings, image embeddings, both concatenated, TF-IDF of titles, and perceptual hashes.

A new baseline of vectors is a name here and an entry of `embed_baselines`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import imagehash
import numpy as np
import torch
from PIL import Image
from sklearn.feature_extraction.text import TfidfVectorizer
from transformers import AutoModel

from itemsearch.benchmarks.data.tasks import TitlesAndImages
from itemsearch.benchmarks.data.vector_files import unit_length
from itemsearch.benchmarks.methods.other_models import embed_with
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


def embed_baselines(
    listings: TitlesAndImages, image_weight: float | None = None, models: Sequence[str] = ()
) -> dict[str, Floats]:
    """Baseline to its (N, D) float32 vectors of length 1; zero where a listing lacks the modality.

    Baselines of a modality that no listing has are left out.

    Args:
        image_weight: the weight of the image in `WEIGHTED`, where the title has 1; None leaves it out.
        models: names of other models, as `other_models.embed_with` takes them.

    Raises:
        ModelError: one of the models cannot be loaded.
    """
    raw, embedded = {}, {}
    if any(listings.titles):
        raw[TITLE] = embed_titles(listings.titles)
    if any(image is not None for image in listings.images):
        raw[IMAGE] = embed_images(listings.images, load_image_network())
        embedded[HASH] = hash_images(listings.images)
    embedded |= {name: unit_length(vectors) for name, vectors in raw.items()}
    if len(raw) == 2:
        embedded[BOTH] = concatenated(embedded, 1.0)
        embedded[RAW] = concatenated(raw, 1.0)
        if image_weight is not None:
            embedded[WEIGHTED] = concatenated(embedded, image_weight)
    for model in models:
        embedded |= embed_with(model, listings.titles, listings.images)
    return embedded


def concatenated(embedded: Mapping[str, Floats], image_weight: float) -> Floats:
    """(N, D) title and weighted image vectors, concatenated and scaled to length 1."""
    return unit_length(np.concatenate([embedded[TITLE], embedded[IMAGE] * np.float32(image_weight)], axis=1))


@torch.inference_mode()
def embed_titles(titles: Sequence[str]) -> Floats:
    """(N, 384) embeddings of all-MiniLM-L6-v2, mean pooled as its authors do; zero without a title."""
    tokenizer = load_tokenizer(MINILM, 128)
    model = AutoModel.from_pretrained(resolve_text_start(MINILM), dtype=torch.float32).eval()
    embedded = np.zeros((len(titles), model.config.hidden_size), np.float32)
    # Titles of similar length share a batch, which keeps padding small.
    present = sorted((row for row, title in enumerate(titles) if title), key=lambda row: len(titles[row]))
    for start in range(0, len(present), BATCH):
        rows = present[start : start + BATCH]
        words = tokenizer([titles[row] for row in rows], padding=True, truncation=True, return_tensors="pt")
        states = model(**words).last_hidden_state  # (B, T, D)
        weights = words["attention_mask"][..., None]
        embedded[rows] = ((states * weights).sum(dim=1) / weights.sum(dim=1)).numpy()
    return embedded


def load_image_network() -> EfficientNetLite0:
    """EfficientNet-Lite0 with its published weights.

    Raises:
        ModelError: their package is not installed.
    """
    network = EfficientNetLite0().eval()
    network.load_state_dict(load_lite0())
    return network


@torch.inference_mode()
def embed_images(images: Sequence[Image.Image | None], network: EfficientNetLite0) -> Floats:
    """(N, 1280) pooled features of EfficientNet-Lite0 at 224 pixels; zero without an image."""
    process = ITEmImageProcessor(side=IMAGE_SIDE)
    embedded = np.zeros((len(images), POOLED_CHANNELS), np.float32)
    present = [(row, image) for row, image in enumerate(images) if image is not None]
    for start in range(0, len(present), BATCH):
        rows, batch_images = zip(*present[start : start + BATCH], strict=True)
        pixels = torch.from_numpy(process(batch_images))
        embedded[list(rows)] = network(pixels)[1].float().numpy()
    return embedded


def hash_images(images: Sequence[Image.Image | None]) -> Floats:
    """(N, 64) bits of the DCT perceptual hash as +1/8 and -1/8; zero without an image.

    The cosine of two hashes is 1 - Hamming distance / 32.
    """
    hashes = np.zeros((len(images), 64), np.float32)
    for row, image in enumerate(images):
        if image is not None:
            hashes[row] = np.where(imagehash.phash(image).hash.ravel(), 1, -1) / 8
    return hashes


def tfidf_scores(queries: Sequence[str], gallery: Sequence[str]) -> Iterator[Floats]:
    """(N,) cosines of TF-IDF vectors of character 3-5-grams, fitted to the gallery, query by query."""
    vectorizer = _vectorizer()
    gallery_vectors = vectorizer.fit_transform(gallery)
    query_vectors = vectorizer.transform(queries)
    for start in range(0, query_vectors.shape[0], BLOCK):
        yield from (query_vectors[start : start + BLOCK] @ gallery_vectors.T).toarray()


def tfidf_vectors(titles: Sequence[str]) -> Any:
    """(N, D) sparse SciPy matrix of the TF-IDF vectors that `tfidf_scores` compares, of length 1."""
    return _vectorizer().fit_transform(titles)


def _vectorizer() -> TfidfVectorizer:
    return TfidfVectorizer(analyzer="char", ngram_range=(3, 5), dtype=np.float32)
