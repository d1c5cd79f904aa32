"""Chooses the engine that encodes titles and pictures: OpenVINO on a CPU, torch on a GPU."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from importlib.util import find_spec
from typing import Protocol

import numpy as np
import numpy.typing as npt
from PIL import Image

from itemsearch.embed.gpu import count_gpus
from itemsearch.embed.inputs import EncoderBatch, Pixels
from itemsearch.embed.model_folder import DEFAULT_MODEL
from itemsearch.errors import UsageError
from itemsearch.ranking.ranking import Ranking
from itemsearch.store.manifest import ModelStamp


class Encoder(Protocol):
    """A model that embeds listings. Embeddings are comparable when the fingerprints of encoders agree."""

    @property
    def name(self) -> str:
        """The value of `--model`; a folder's whole path."""
        ...

    @property
    def fingerprint(self) -> str: ...

    @property
    def ranking(self) -> Ranking | None:
        """Computes match scores; None where none was fitted to the model."""
        ...

    @property
    def dim(self) -> int:
        """E, how many numbers an embedding has."""
        ...

    @property
    def side(self) -> int:
        """Pixels a side of the model's pictures."""
        ...

    @property
    def threads(self) -> int:
        """How many threads prepare and embed at once."""
        ...

    @property
    def batch_size(self) -> int:
        """Listings at a time that suit the device."""
        ...

    @property
    def runs_on(self) -> str:
        """Engine, device and precision, for display."""
        ...

    @property
    def stamp(self) -> ModelStamp:
        """What a store records of the model."""
        ...

    def prepare(
        self, titles: Sequence[str], images: Sequence[Image.Image | None], batch_size: int = 0
    ) -> Iterator[EncoderBatch]:
        """Yields batches of N listings; titles of similar length share a batch.

        Args:
            batch_size: listings at a time; 0 for what suits the device.
        """
        ...

    def prepare_batch(
        self, rows: list[int], titles: list[str], pixels: Sequence[Pixels | None]
    ) -> EncoderBatch:
        """A batch of listings: their numbers, titles, and pictures as `square_pixels` returns them."""
        ...

    def embed(self, batch: EncoderBatch) -> npt.NDArray[np.float32]:
        """A batch of B listings -> (B, E) float32 of length 1. Safe to call from many threads."""
        ...

    def encode(
        self, titles: Sequence[str], images: Sequence[Image.Image | None], batch_size: int = 0
    ) -> npt.NDArray[np.float32]:
        """N titles ("" for no title) and RGB images (None for no image) -> (N, E) float32 of length 1."""
        ...


def open_encoder(
    name: str = DEFAULT_MODEL, device: str = "auto", threads: int = 0, bulk: bool = False
) -> Encoder:
    """Loads a model folder, a model of a hub, or the shipped weights.

    OpenVINO computes on a CPU where it is installed, without torch; torch elsewhere.

    Args:
        device: "auto" (a GPU if there is one), "cpu" or "cuda".
        threads: of a CPU; 0 for as many as there are processors.
        bulk: for catalogs, where each thread embeds a batch of its own; otherwise all share one batch, which
            is then ready sooner. The embeddings are the same.

    Raises:
        ModelError: there is no such model, it is no ITEm model, or its files are damaged.
        UsageError: there is no such device.
    """
    if device not in ("auto", "cpu", "cuda"):
        raise UsageError(f"--device is {device!r}; use auto, cpu or cuda")
    if find_spec("openvino") and (device == "cpu" or (device == "auto" and not count_gpus())):
        from itemsearch.embed.openvino_encoder import OpenVINOEncoder

        return OpenVINOEncoder.from_pretrained(name, threads=threads, bulk=bulk)
    from itemsearch.embed.torch_encoder import TorchEncoder

    return TorchEncoder.from_pretrained(name, device, threads=threads)
