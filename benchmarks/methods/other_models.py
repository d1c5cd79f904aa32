"""Embeddings of other models that sentence-transformers loads, CLIP among them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from PIL import Image
from sentence_transformers import SentenceTransformer

from itemsearch.benchmarks.data.vector_files import unit_length
from itemsearch.errors import ModelError
from itemsearch.indexes.arrays import Floats

TEXT, IMAGE = "text", "image"


def embed_with(name: str, titles: Sequence[str], images: Sequence[Image.Image | None]) -> dict[str, Floats]:
    """Method to its (N, D) float32 vectors of length 1; zero where a listing lacks the modality.

    A model of both modalities gives three methods: titles, images, and both concatenated.

    Args:
        name: a folder or hub name that sentence-transformers loads; code that comes with a model is not run.

    Raises:
        ModelError: the model cannot be loaded, or embeds neither texts nor images.
    """
    try:
        model = SentenceTransformer(name, trust_remote_code=False)
    except (OSError, ValueError, ImportError) as error:
        reason = str(error).strip().splitlines()[0]
        raise ModelError(f"--baseline {name}: cannot be loaded: {reason}") from error
    label = Path(name).name if Path(name).is_dir() else name
    inputs: dict[str, Sequence[str | Image.Image | None]] = {TEXT: titles, IMAGE: images}
    by_modality = {
        modality: unit_length(_embed(model, values))
        for modality, values in inputs.items()
        if modality in model.modalities and any(values)
    }
    if not by_modality and not set(inputs) & set(model.modalities):
        raise ModelError(f"--baseline {name}: embeds {', '.join(model.modalities)}, neither texts nor images")
    embedded = {f"{label}, {modality}": vectors for modality, vectors in by_modality.items()}
    if len(by_modality) == 2:
        embedded[f"{label}, text and image"] = unit_length(np.concatenate(list(by_modality.values()), axis=1))
    return embedded


def _embed(model: SentenceTransformer, values: Sequence[str | Image.Image | None]) -> Floats:
    present = [row for row, value in enumerate(values) if value]
    vectors = model.encode([values[row] for row in present], show_progress_bar=False, convert_to_numpy=True)
    embedded = np.zeros((len(values), vectors.shape[1]), np.float32)
    embedded[present] = vectors
    return embedded
