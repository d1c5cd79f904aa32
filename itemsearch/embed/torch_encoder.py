"""Encodes titles and pictures with torch, on a GPU, or on a CPU for which there is no OpenVINO."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence
from functools import cached_property
from pathlib import Path
from threading import Lock
from typing import Self

import numpy as np
import numpy.typing as npt
import torch
from huggingface_hub.errors import StrictDataclassError
from PIL import Image
from safetensors import SafetensorError
from tokenizers import Tokenizer
from torch import Tensor

from itemsearch.embed.device_copies import BatchTensors, Download, largest_batch, uploaded
from itemsearch.embed.inputs import BATCH, EncoderBatch, Pixels, prepare, prepare_batch, read_tokenizer
from itemsearch.embed.model_folder import DEFAULT_MODEL, fingerprint, full_name, model_folder
from itemsearch.errors import ModelError
from itemsearch.model import ITEmModel, ITEmProcessor
from itemsearch.model.device import half_format, resolve_device
from itemsearch.model.loading import silence
from itemsearch.ranking.ranking import Ranking, read_ranking
from itemsearch.store.manifest import ModelStamp

CHARACTERS_PER_TOKEN = 6
"""Of the longest titles: more than words have."""


def load_model(folder: Path, name: str) -> ITEmModel:
    """The model in a folder, in float32 and ready to embed. name: for messages.

    Raises:
        ModelError: it is no ITEm model, or its files are damaged.
    """
    try:
        with silence():
            model, loading = ITEmModel.from_pretrained(folder, dtype=torch.float32, output_loading_info=True)
    except (OSError, ValueError, KeyError, RuntimeError, SafetensorError, StrictDataclassError) as error:
        raise ModelError(f"{name}: cannot be loaded: {str(error).splitlines()[0]}") from error
    if wrong := [*loading["missing_keys"], *loading["unexpected_keys"], *loading["mismatched_keys"]]:
        raise ModelError(f"{name}: not the weights of its config.json: {wrong[0]} does not fit")
    loaded: ITEmModel = model.eval()
    return loaded


class TorchEncoder:
    """A model on a device. Embeddings are comparable when the fingerprints of encoders agree.

    ranking: computes match scores; None where none was fitted to the model.
    """

    def __init__(
        self,
        model: ITEmModel,
        processor: ITEmProcessor,
        tokenizer: Tokenizer,
        device: torch.device,
        name: str,
        fingerprint: str,
        ranking: Ranking | None,
        threads: int = 0,
    ) -> None:
        self.model = model
        self.processor = processor
        self.tokenizer = tokenizer
        self.device = device
        self.name = name
        self.fingerprint = fingerprint
        self.ranking = ranking
        self.threads = threads or os.cpu_count() or 1
        self._passes = Lock()  # several at once would only wait for each other, and take memory

    @classmethod
    def from_pretrained(
        cls, name: str = DEFAULT_MODEL, device: str = "auto", with_ranking: bool = True, threads: int = 0
    ) -> Self:
        """Loads a model folder, a model of a hub, or the shipped weights.

        Args:
            device: "auto", "cpu" or "cuda".
            with_ranking: False leaves the ranking unread, so that a damaged one can be fitted again.
            threads: of all that torch computes on a CPU in this process; 0 leaves it as it is.

        Raises:
            ModelError: there is no such model, it is no ITEm model, or its files are damaged.
            UsageError: there is no such device.
        """
        where = resolve_device(device)
        if threads:
            torch.set_num_threads(threads)
        folder = model_folder(name)
        model = load_model(folder, name).to(where)
        try:
            processor = ITEmProcessor.from_pretrained(folder)
        except (OSError, ValueError, KeyError, RuntimeError) as error:
            raise ModelError(f"{name}: cannot be loaded: {str(error).splitlines()[0]}") from error
        ranking = read_ranking(folder) if with_ranking else None
        tokenizer = read_tokenizer(folder, model.config.max_title_tokens)
        stamp = fingerprint(folder)
        return cls(model, processor, tokenizer, where, full_name(name, folder), stamp, ranking, threads)

    @property
    def dim(self) -> int:
        """E, how many numbers an embedding has."""
        return int(self.model.config.embedding_dim)

    @property
    def side(self) -> int:
        """Pixels a side of the model's pictures."""
        return int(self.model.config.image_size)

    @property
    def precision(self) -> str:
        """What the model computes in: "bfloat16", "float16" or "float32"."""
        return str(half_format(self.device) or torch.float32).removeprefix("torch.")

    @property
    def runs_on(self) -> str:
        """Engine, device and precision, for display."""
        return f"torch, {self.device}, {self.precision}"

    @property
    def stamp(self) -> ModelStamp:
        """What a store records of the model."""
        described = None if self.ranking is None else self.ranking.describe()
        parts = self.model.config.parts
        return ModelStamp(self.name, self.fingerprint, self.precision, parts, described, "torch")

    @cached_property
    def batch_size(self) -> int:
        """Listings at a time: `BATCH` on a CPU, on a GPU as many as its memory has room for.

        Raises:
            ModelError: the memory of the GPU does not suffice for a few.
        """
        if self.device.type != "cuda":
            return BATCH
        size = largest_batch(lambda rows: self.embed(self.fullest(rows)))
        torch.cuda.empty_cache()  # what the attempt that failed has left
        return size

    def encode(
        self, titles: Sequence[str], images: Sequence[Image.Image | None], batch_size: int = 0
    ) -> npt.NDArray[np.float32]:
        """N titles ("" for no title) and RGB images (None for no image) -> (N, E) float32 of length 1.

        Args:
            batch_size: listings at a time; 0 for what suits the device.
        """
        embeddings = np.empty((len(titles), self.dim), np.float32)
        for rows, vectors in self.embed_many(self.prepare(titles, images, batch_size)):
            embeddings[rows] = vectors
        return embeddings

    def prepare(
        self, titles: Sequence[str], images: Sequence[Image.Image | None], batch_size: int = 0
    ) -> Iterator[EncoderBatch]:
        """Yields batches of the N listings; titles of similar length share a batch."""
        size = batch_size or (self.batch_size if len(titles) > BATCH else BATCH)
        return prepare(self.tokenizer, self.side, titles, images, size)

    def prepare_batch(
        self, rows: list[int], titles: list[str], pixels: Sequence[Pixels | None]
    ) -> EncoderBatch:
        """A batch of listings: their numbers, titles, and pictures as `square_pixels` returns them."""
        return prepare_batch(self.tokenizer, self.side, rows, titles, pixels)

    def embed(self, batch: EncoderBatch, half: bool = True) -> npt.NDArray[np.float32]:
        """A batch of B listings -> (B, E) float32 of length 1. Safe to call from many threads.

        Args:
            half: whether to compute in 16 bits where the device is fast in them.
        """
        with self._passes:
            [(_, embeddings)] = self.embed_many([batch], half)
        return embeddings

    @torch.inference_mode()
    def embed_many(
        self, batches: Iterable[EncoderBatch], half: bool = True
    ) -> Iterator[tuple[list[int], npt.NDArray[np.float32]]]:
        """Yields the rows and the (B, E) embeddings of one batch after another.

        A GPU computes one batch while the next is copied to it and the embeddings of the last one from it.
        """
        waiting: Download | None = None
        for rows, tensors in uploaded(batches, self.device):
            computed = Download(rows, self.embed_tensors(tensors, half))
            if waiting is not None:
                yield waiting.rows, waiting.result()
            waiting = computed
        if waiting is not None:
            yield waiting.rows, waiting.result()

    @torch.inference_mode()
    def embed_tensors(self, tensors: BatchTensors, half: bool = True) -> Tensor:
        """(B, E) float32 of length 1, on the device."""
        number_format = half_format(self.device) if half else None
        with torch.autocast(self.device.type, number_format, enabled=number_format is not None):
            embedding: Tensor = self.model(tensors.model_input()).embedding
        return embedding.float()

    def fullest(self, rows: int) -> EncoderBatch:
        """A batch of so many listings that takes the most memory: the longest titles, each with a picture."""
        config = self.model.config
        ids = np.ones((rows, config.max_title_tokens), np.int64)
        pixels = np.zeros((rows, config.image_size, config.image_size, 3), np.uint8)
        title = "".join(map(chr, range(ord("a"), ord("a") + CHARACTERS_PER_TOKEN * config.max_title_tokens)))
        return EncoderBatch(
            list(range(rows)), [title] * rows, ids, np.ones_like(ids), np.ones(rows, bool), pixels
        )
