"""Turns products into embeddings with a pre-trained model."""

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
"""Part of every fingerprint: raise it when the same files begin to give other embeddings."""


class ListingEncoder:
    """A model on a device. Embeddings are comparable when the fingerprints of their encoders agree.

    ranking: how candidates are ranked; None where the model was not calibrated.
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
        """A model folder, a hub name, or the shipped weights.

        Args:
            with_ranking: False to leave the ranking unread, be it damaged: it is to be fitted anew.

        Raises:
            ModelError: there is no such model, it is no ITEm model, or its files are damaged.
            UsageError: the device is not there.
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
        # A folder is named so that it is found from wherever the index is opened.
        known_as = str(folder.resolve()) if Path(name).is_dir() else name
        ranking = read_ranking(folder) if with_ranking else None
        return cls(model.eval().to(where), processor, where, known_as, fingerprint(folder), ranking)

    @property
    def dim(self) -> int:
        return int(self.model.config.embedding_dim)

    @property
    def precision(self) -> str:
        return "bfloat16" if has_bfloat16(self.device) else "float32"

    @property
    def stamp(self) -> ModelStamp:
        described = None if self.ranking is None else self.ranking.describe()
        return ModelStamp(self.name, self.fingerprint, self.precision, self.model.config.parts, described)

    def encode(
        self, titles: Sequence[str], images: Sequence[Image.Image | None], batch_size: int = 32
    ) -> npt.NDArray[np.float32]:
        """Titles ("" for none) and RGB pictures (None for none) of N products -> (N, dim), length 1."""
        embeddings = np.empty((len(titles), self.dim), np.float32)
        for rows, listing in self.prepare(titles, images, batch_size):
            embeddings[rows] = self.embed(listing)
        return embeddings

    def prepare(
        self, titles: Sequence[str], images: Sequence[Image.Image | None], batch_size: int
    ) -> Iterator[tuple[list[int], EncoderInput]]:
        """Batches of the N products, each with the rows that it holds."""
        # Titles of like length share a batch, so that little is computed for padding.
        order = sorted(range(len(titles)), key=lambda row: len(titles[row]))
        for start in range(0, len(order), batch_size):
            rows = order[start : start + batch_size]
            yield rows, self.processor([titles[row] for row in rows], [images[row] for row in rows])

    @torch.inference_mode()
    def embed(self, listing: EncoderInput) -> npt.NDArray[np.float32]:
        """A batch of B -> (B, dim), length 1."""
        with torch.autocast(self.device.type, torch.bfloat16, enabled=has_bfloat16(self.device)):
            output = self.model(listing.to(self.device))
        embeddings: npt.NDArray[np.float32] = output.embedding.float().cpu().numpy()
        return embeddings


def model_folder(name: str) -> Path:
    """The folder of a model: the shipped one, a folder as it is, or a hub model's local copy.

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
    """A digest of everything that decides what a model makes of a product.

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
