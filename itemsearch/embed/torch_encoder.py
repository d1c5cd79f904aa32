"""Encodes titles and pictures with torch, on a GPU, or on a CPU for which there is no OpenVINO."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Self

import numpy as np
import numpy.typing as npt
import torch
from huggingface_hub.errors import StrictDataclassError
from PIL import Image
from safetensors import SafetensorError
from tokenizers import Tokenizer

from itemsearch.embed.inputs import EncoderBatch, prepare, read_tokenizer
from itemsearch.embed.model_folder import DEFAULT_MODEL, fingerprint, full_name, model_folder
from itemsearch.errors import ModelError
from itemsearch.model import ITEmModel, ITEmProcessor
from itemsearch.model.device import has_bfloat16, resolve_device
from itemsearch.model.encoder import EncoderInput
from itemsearch.model.lexical import pad_ngrams
from itemsearch.model.loading import silence
from itemsearch.ranking.ranking import Ranking, read_ranking
from itemsearch.store.manifest import ModelStamp


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
    ) -> None:
        self.model = model
        self.processor = processor
        self.tokenizer = tokenizer
        self.device = device
        self.name = name
        self.fingerprint = fingerprint
        self.ranking = ranking

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
        return cls(model, processor, tokenizer, where, full_name(name, folder), fingerprint(folder), ranking)

    @property
    def dim(self) -> int:
        """E, how many numbers an embedding has."""
        return int(self.model.config.embedding_dim)

    @property
    def precision(self) -> str:
        """What the model computes in: "bfloat16" or "float32"."""
        return "bfloat16" if has_bfloat16(self.device) else "float32"

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

    def encode(
        self, titles: Sequence[str], images: Sequence[Image.Image | None], batch_size: int = 32
    ) -> npt.NDArray[np.float32]:
        """N titles ("" for no title) and RGB images (None for no image) -> (N, E) float32 of length 1."""
        embeddings = np.empty((len(titles), self.dim), np.float32)
        for batch in self.prepare(titles, images, batch_size):
            embeddings[batch.rows] = self.embed(batch)
        return embeddings

    def prepare(
        self, titles: Sequence[str], images: Sequence[Image.Image | None], batch_size: int
    ) -> Iterator[EncoderBatch]:
        """Yields batches of the N listings; titles of similar length share a batch."""
        return prepare(self.tokenizer, self.model.config.image_size, titles, images, batch_size)

    @torch.inference_mode()
    def embed(self, batch: EncoderBatch, half: bool = True) -> npt.NDArray[np.float32]:
        """A batch of B listings -> (B, E) float32 of length 1.

        Args:
            half: whether to compute in bfloat16 where the device is fast in it.
        """
        with torch.autocast(self.device.type, torch.bfloat16, enabled=half and has_bfloat16(self.device)):
            output = self.model(self._tensors(batch))
        embeddings: npt.NDArray[np.float32] = output.embedding.float().cpu().numpy()
        return embeddings

    def _tensors(self, batch: EncoderBatch) -> EncoderInput:
        """The batch on the device; pictures travel as bytes and are scaled there."""
        has_image = torch.from_numpy(batch.has_image).to(self.device)
        pixel_values = None
        if len(batch.pixels):
            pixels = torch.from_numpy(batch.pixels).to(self.device)
            scaled = (pixels.permute(0, 3, 1, 2).float() - 127) / 128  # (C, H, W, 3) -> (C, 3, H, W)
            pixel_values = scaled.new_zeros((len(batch.rows), *scaled.shape[1:]))
            pixel_values[has_image] = scaled
        has_title = torch.tensor([bool(title) for title in batch.titles])
        return EncoderInput(
            input_ids=torch.from_numpy(batch.input_ids).to(self.device),
            attention_mask=torch.from_numpy(batch.title_mask).to(self.device),
            ngrams=pad_ngrams(batch.titles).to(self.device),
            pixel_values=pixel_values,
            has_title=has_title.to(self.device),
            has_image=has_image,
        )
