"""Encodes titles and images with a pre-trained model."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Self

import numpy as np
import numpy.typing as npt
import torch
from huggingface_hub import snapshot_download
from huggingface_hub.errors import (
    HfHubHTTPError,
    HFValidationError,
    LocalEntryNotFoundError,
    StrictDataclassError,
)
from PIL import Image
from safetensors import SafetensorError

from itemsearch.errors import ModelError
from itemsearch.model import ITEmModel, ITEmProcessor
from itemsearch.model.device import has_bfloat16, resolve_device
from itemsearch.model.encoder import EncoderInput
from itemsearch.ranking.ranking import RANKING_FILE, Ranking, read_ranking
from itemsearch.store.manifest import ModelStamp

DEFAULT_MODEL = "default"
SHIPPED_WEIGHTS = Path(__file__).parents[1] / "weights"
FINGERPRINTED = ("config.json", "model.safetensors", "processor_config.json", "tokenizer.json")
PREPROCESSING_VERSION = "1"
"""Part of every fingerprint; raised when the same model files begin to give other embeddings."""


class ListingEncoder:
    """A model on a device. Embeddings are comparable when the fingerprints of their encoders agree.

    ranking: computes match scores; None where none was fitted to the model.
    """

    def __init__(
        self,
        model: ITEmModel,
        processor: ITEmProcessor,
        device: torch.device,
        name: str,
        fingerprint: str,
        ranking: Ranking | None,
    ) -> None:
        self.model = model
        self.processor = processor
        self.device = device
        self.name = name
        self.fingerprint = fingerprint
        self.ranking = ranking

    @classmethod
    def from_pretrained(
        cls, name: str = DEFAULT_MODEL, device: str = "auto", with_ranking: bool = True
    ) -> Self:
        """Loads a model folder, a model of a hub, or the shipped weights.

        Args:
            device: "auto", "cpu" or "cuda".
            with_ranking: False leaves the ranking unread, so that a damaged one can be fitted again.

        Raises:
            ModelError: there is no such model, it is no ITEm model, or its files are damaged.
            UsageError: there is no such device.
        """
        where = resolve_device(device)
        folder = model_folder(name)
        try:
            model, loading = ITEmModel.from_pretrained(folder, dtype=torch.float32, output_loading_info=True)
            processor = ITEmProcessor.from_pretrained(folder)
        except (OSError, ValueError, KeyError, RuntimeError, SafetensorError, StrictDataclassError) as error:
            raise ModelError(f"{name}: cannot be loaded: {str(error).splitlines()[0]}") from error
        if wrong := [*loading["missing_keys"], *loading["unexpected_keys"], *loading["mismatched_keys"]]:
            raise ModelError(f"{name}: not the weights of its config.json: {wrong[0]} does not fit")
        # An index names its model; a relative folder would depend on where the index is opened.
        full_name = str(folder.resolve()) if Path(name).is_dir() else name
        ranking = read_ranking(folder) if with_ranking else None
        return cls(model.eval().to(where), processor, where, full_name, fingerprint(folder), ranking)

    @property
    def dim(self) -> int:
        """E, how many numbers an embedding has."""
        return int(self.model.config.embedding_dim)

    @property
    def precision(self) -> str:
        """What the model computes in: "bfloat16" or "float32"."""
        return "bfloat16" if has_bfloat16(self.device) else "float32"

    @property
    def stamp(self) -> ModelStamp:
        """What a store records of the model."""
        described = None if self.ranking is None else self.ranking.describe()
        return ModelStamp(self.name, self.fingerprint, self.precision, self.model.config.parts, described)

    def encode(
        self, titles: Sequence[str], images: Sequence[Image.Image | None], batch_size: int = 32
    ) -> npt.NDArray[np.float32]:
        """N titles ("" for no title) and RGB images (None for no image) -> (N, E) float32 of length 1."""
        embeddings = np.empty((len(titles), self.dim), np.float32)
        for rows, batch in self.prepare(titles, images, batch_size):
            embeddings[rows] = self.embed(batch)
        return embeddings

    def prepare(
        self, titles: Sequence[str], images: Sequence[Image.Image | None], batch_size: int
    ) -> Iterator[tuple[list[int], EncoderInput]]:
        """Yields batches of the N listings, each with its rows; titles of similar length share a batch."""
        # Padding costs least where the titles of a batch have similar lengths.
        order = sorted(range(len(titles)), key=lambda row: len(titles[row]))
        for start in range(0, len(order), batch_size):
            rows = order[start : start + batch_size]
            yield rows, self.processor([titles[row] for row in rows], [images[row] for row in rows])

    @torch.inference_mode()
    def embed(self, batch: EncoderInput) -> npt.NDArray[np.float32]:
        """A batch of B listings -> (B, E) float32 of length 1."""
        with torch.autocast(self.device.type, torch.bfloat16, enabled=has_bfloat16(self.device)):
            output = self.model(batch.to(self.device))
        embeddings: npt.NDArray[np.float32] = output.embedding.float().cpu().numpy()
        return embeddings


def model_folder(name: str) -> Path:
    """Finds the folder of a model: of the shipped weights, of that name, or of a hub model's local copy.

    Raises:
        ModelError: `name` is neither a model folder nor the name of a model on a reachable hub.
    """
    folder = SHIPPED_WEIGHTS / DEFAULT_MODEL if name == DEFAULT_MODEL else Path(name)
    if folder.is_dir():
        missing = [file for file in FINGERPRINTED if not (folder / file).is_file()]
        if missing:
            raise ModelError(f"{folder}: no {missing[0]}: not a model folder of itemsearch pretrain")
        return folder
    if name == DEFAULT_MODEL:
        raise ModelError(
            f"{folder}: the shipped weights are missing; install itemsearch again, or give --model"
        )
    try:
        return Path(
            snapshot_download(name, allow_patterns=[*FINGERPRINTED, "tokenizer_config.json", RANKING_FILE])
        )
    except (HFValidationError, LocalEntryNotFoundError, HfHubHTTPError, OSError) as error:
        raise ModelError(f"{name}: neither a model folder nor a model on a reachable hub") from error


def fingerprint(folder: Path) -> str:
    """Hashes every file that embeddings depend on, and `PREPROCESSING_VERSION`, to 32 hex digits.

    Raises:
        ModelError: a file of the model cannot be read.
    """
    digest = hashlib.blake2b(PREPROCESSING_VERSION.encode(), digest_size=16)
    for name in FINGERPRINTED:
        try:
            digest.update((folder / name).read_bytes())
        except OSError as error:
            raise ModelError(f"{folder / name}: {error.strerror}: not a whole model") from error
    return digest.hexdigest()
