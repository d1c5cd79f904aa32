"""Turns queries into vectors that an index can be searched with."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from itemsearch.errors import ImageError, ModelMismatchError, UsageError
from itemsearch.ranking.evidence import ListingArrays
from itemsearch.search.folder import IndexSummary
from itemsearch.types import Query

if TYPE_CHECKING:
    from PIL import Image

    from itemsearch.embed.encoder import Encoder


def load_encoder(index: IndexSummary, model: str, device: str) -> Encoder:
    """Loads the model that made an index. model, device: as in `Engine.open`.

    Raises:
        ModelMismatchError: the index was built from external embeddings, or by another model.
        ModelError: the model cannot be loaded.
    """
    from itemsearch.embed.encoder import open_encoder  # an engine, which a search by id need not load

    if index.model is None:
        raise ModelMismatchError(
            f"{index.folder} was built from external embeddings: search it by id or by embedding"
        )
    encoder = open_encoder(model or index.model.name, device)
    if encoder.fingerprint != index.model.fingerprint:
        raise ModelMismatchError(
            f"{index.folder} was made by model {index.model.name} ({index.model.fingerprint[:8]}), not by "
            f"{encoder.name} ({encoder.fingerprint[:8]}): give its own --model, or embed and build again"
        )
    return encoder


def encode_queries(encoder: Encoder, queries: Sequence[Query]) -> ListingArrays:
    """Encodes the titles and images of Q queries."""
    titles, images = [query.title for query in queries], [query.image for query in queries]
    has_image = np.array([image is not None for image in images])
    return ListingArrays(encoder.encode(titles, images), titles, has_image)


def unit_vectors(index: IndexSummary, queries: Sequence[Query]) -> npt.NDArray[np.float32]:
    """(Q, E) float32 of length 1, from the embeddings of Q queries.

    Raises:
        UsageError: an embedding is not of the index's length.
    """
    for query in queries:
        if query.embedding is not None and len(query.embedding) != index.dim:
            raise UsageError(
                f"query {query.id!r} has an embedding of {len(query.embedding)} numbers; "
                f"{index.folder} has {index.dim}"
            )
    vectors = np.array([query.embedding for query in queries], np.float32)
    units: npt.NDArray[np.float32] = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    return units


def read_image(path: str | Path) -> Image.Image:
    """Reads and decodes an image as a catalog's images are.

    Raises:
        ImageError: names the file and what is wrong with it.
    """
    from itemsearch.catalog.images import decode_image, read_image_file  # Pillow takes time to import

    try:
        return decode_image(read_image_file(Path(path)))
    except ImageError as error:
        raise ImageError(str(error) if str(path) in str(error) else f"{path}: {error}") from error
