"""Embeddings of any other model: of transformers, of sentence-transformers, CLIP."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image
from sentence_transformers import SentenceTransformer

from itemsearch.errors import ModelError
from itemsearch.indexes.arrays import Floats

TEXT, PICTURE = "text", "image"


def embed_with(name: str, titles: Sequence[str], images: Sequence[Image.Image | None]) -> dict[str, Floats]:
    """(N, D) by what the model can see: titles, pictures, and the two side by side; zero where missing.

    Args:
        name: a folder or hub name that sentence-transformers loads; no code of its own is run.

    Raises:
        ModelError: it cannot be loaded, or sees neither texts nor pictures.
    """
    try:
        model = SentenceTransformer(name, trust_remote_code=False)
    except (OSError, ValueError, ImportError) as error:
        reason = str(error).strip().splitlines()[0]
        raise ModelError(f"--baseline {name}: cannot be loaded: {reason}") from error
    known_as = Path(name).name if Path(name).is_dir() else name
    seen: dict[str, Sequence[Any]] = {TEXT: titles, PICTURE: images}
    parts = {
        kind: unit(_embed(model, listed))
        for kind, listed in seen.items()
        if kind in model.modalities and any(listed)
    }
    if not parts and not set(seen) & set(model.modalities):
        raise ModelError(f"--baseline {name}: sees {', '.join(model.modalities)}, neither texts nor pictures")
    embedded = {f"{known_as}, {kind}": vectors for kind, vectors in parts.items()}
    if len(parts) == 2:
        embedded[f"{known_as}, text and image"] = unit(np.concatenate(list(parts.values()), axis=1))
    return embedded


def unit(vectors: Floats) -> Floats:
    """Of length 1; zero stays zero."""
    scaled: Floats = vectors / np.linalg.norm(vectors, axis=1, keepdims=True).clip(min=1e-12)
    return scaled


def _embed(model: Any, listed: Sequence[Any]) -> Floats:
    present = [row for row, value in enumerate(listed) if value]
    vectors = model.encode([listed[row] for row in present], show_progress_bar=False, convert_to_numpy=True)
    embedded = np.zeros((len(listed), vectors.shape[1]), np.float32)
    embedded[present] = vectors
    return embedded
