"""Encodes titles and pictures with OpenVINO, on a CPU and without torch.

Shapes: B listings, C of them with a picture, T title tokens, P patches, S = T + P, F features of a patch, D
hidden size, E embedding size.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Self

import numpy as np
import numpy.typing as npt
from PIL import Image
from tokenizers import Tokenizer

from itemsearch.embed.graphs import Graphs, Lane, Parts, graphs_folder
from itemsearch.embed.inputs import (
    BATCH,
    EncoderBatch,
    Pixels,
    prepare,
    prepare_batch,
    read_tokenizer,
    sketch_titles,
)
from itemsearch.embed.model_folder import fingerprint, full_name, model_folder
from itemsearch.indexes.arrays import unit_rows
from itemsearch.ranking.ranking import Ranking, read_ranking
from itemsearch.store.manifest import ModelStamp

PICTURES_AT_ONCE = 4
"""Pictures a pass: larger batches exceed the caches of a CPU."""

Embeddings = npt.NDArray[np.float32]


@dataclass(frozen=True)
class OpenVINOEncoder:
    """A model compiled for this processor. Embeddings are comparable when the fingerprints of their encoders
    agree, whatever engine and precision: `tests/embed` states how near they are.

    ranking: computes match scores; None where none was fitted to the model.
    """

    name: str
    fingerprint: str
    ranking: Ranking | None
    graphs: Graphs
    parts: Parts
    tokenizer: Tokenizer

    @classmethod
    def from_pretrained(cls, name: str, precision: str = "", threads: int = 0, bulk: bool = False) -> Self:
        """Loads a model folder, a model of a hub, or the shipped weights.

        Args:
            precision, threads, bulk: as in `Graphs.compiled`.

        Raises:
            ModelError: there is no such model, it is no ITEm model, its files are damaged, or its graphs
                cannot be kept.
        """
        folder = model_folder(name)
        stamp = fingerprint(folder)
        exported = graphs_folder(folder, stamp)
        parts = Parts.read(exported)
        return cls(
            name=full_name(name, folder),
            fingerprint=stamp,
            ranking=read_ranking(folder),
            graphs=Graphs.compiled(exported, precision, threads, bulk),
            parts=parts,
            tokenizer=read_tokenizer(folder, parts.max_tokens),
        )

    @property
    def dim(self) -> int:
        """E, how many numbers an embedding has."""
        return sum(self.parts.sizes.values())

    @property
    def side(self) -> int:
        """Pixels a side of the model's pictures."""
        return self.parts.side

    @property
    def batch_size(self) -> int:
        """Listings at a time."""
        return BATCH

    @property
    def threads(self) -> int:
        """How many threads prepare and embed at once."""
        return self.graphs.threads

    @property
    def precision(self) -> str:
        """What the model computes in: "bfloat16" or "float32"."""
        return self.graphs.precision

    @property
    def runs_on(self) -> str:
        """Engine, device and precision, for display."""
        return f"OpenVINO, CPU, {self.precision}"

    @cached_property
    def stamp(self) -> ModelStamp:
        """What a store records of the model."""
        described = None if self.ranking is None else self.ranking.describe()
        return ModelStamp(
            self.name, self.fingerprint, self.precision, self.parts.sizes, described, "openvino"
        )

    def encode(
        self, titles: Sequence[str], images: Sequence[Image.Image | None], batch_size: int = 0
    ) -> Embeddings:
        """N titles ("" for no title) and RGB images (None for no image) -> (N, E) float32 of length 1.

        Args:
            batch_size: listings at a time; 0 for what suits the device.
        """
        embeddings = np.empty((len(titles), self.dim), np.float32)
        for batch in self.prepare(titles, images, batch_size):
            embeddings[batch.rows] = self.embed(batch)
        return embeddings

    def prepare(
        self, titles: Sequence[str], images: Sequence[Image.Image | None], batch_size: int = 0
    ) -> Iterator[EncoderBatch]:
        """Yields batches of the N listings; titles of similar length share a batch."""
        return prepare(self.tokenizer, self.parts.side, titles, images, batch_size or BATCH)

    def prepare_batch(
        self, rows: list[int], titles: list[str], pixels: Sequence[Pixels | None]
    ) -> EncoderBatch:
        """A batch of listings: their numbers, titles, and pictures as `square_pixels` returns them."""
        return prepare_batch(self.tokenizer, self.parts.side, rows, titles, pixels)

    def embed(self, batch: EncoderBatch) -> Embeddings:
        """A batch of B listings -> (B, E) float32 of length 1. Safe to call from many threads."""
        with self.graphs.lane() as lane:
            return self._embed(batch, lane)

    def _embed(self, batch: EncoderBatch, lane: Lane) -> Embeddings:
        rows, has_image = len(batch.rows), batch.has_image
        of_pictures = self._see(batch, lane)
        patches = self.parts.patches if has_image.any() else 0
        grid = np.zeros((rows, patches, self.parts.features), np.float32)  # (B, P, F)
        if patches:
            grid[has_image] = of_pictures.pop("grid")
        seen = np.repeat(has_image[:, None], patches, axis=1)  # (B,) -> (B, P)
        mask = np.concatenate([batch.title_mask, seen.astype(np.int64)], axis=1)  # (B, S)
        parts = {"stream": lane.stream.infer([batch.input_ids, mask, grid], share_inputs=True)[0]}
        for name, values in of_pictures.items():
            parts[name] = np.zeros((rows, values.shape[1]), np.float32)
            parts[name][has_image] = values
        if "lexical" in self.parts.sizes:
            parts["lexical"] = sketch_titles(batch.titles, self.parts.signs, self.parts.buckets)
        return self._joined(rows, parts)

    def _see(self, batch: EncoderBatch, lane: Lane) -> dict[str, Embeddings]:
        """What the C pictures of a batch give: "grid" (C, P, F), and the parts made of pictures alone."""
        names = ["grid", *(["image"] if "image" in self.parts.sizes else [])]
        found: dict[str, list[Embeddings]] = {}
        for start in range(0, len(batch.pixels), PICTURES_AT_ONCE):
            pixels = batch.pixels[start : start + PICTURES_AT_ONCE]
            outputs = lane.pictures.infer([pixels], share_inputs=True)
            for place, name in enumerate(names):
                found.setdefault(name, []).append(outputs[place])
            if lane.colours is not None:
                found.setdefault("colour", []).append(lane.colours.infer([pixels], share_inputs=True)[0])
        return {name: np.concatenate(values) for name, values in found.items()}

    def _joined(self, rows: int, parts: dict[str, Embeddings]) -> Embeddings:
        """(B, E) of length 1: the parts in their order, each of length 1 times its weight, or zero."""
        joined = [
            unit_rows(parts[name]) * self.parts.weights[name]
            if name in parts
            else np.zeros((rows, size), np.float32)
            for name, size in self.parts.sizes.items()
        ]
        return unit_rows(np.concatenate(joined, axis=1))
