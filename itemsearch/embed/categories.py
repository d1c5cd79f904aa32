"""Makes the vectors that leaf categories are told by, from what the encoder computes anyway; NumPy alone.

Telling a product from its siblings, which the last layers of the stream learn, pulls listings of one category
apart. These vectors therefore take the title's words as they enter the stream, and the two parts of the
embedding that training moved least: `image` and `lexical`. No category is learnt from.

Shapes: N listings, V pieces of the vocabulary, D hidden size, E embedding size, C = D + the sizes of the two
parts.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import numpy as np
import numpy.typing as npt
from safetensors import SafetensorError, safe_open
from tokenizers import Tokenizer

from itemsearch.embed.encoder import Encoder
from itemsearch.embed.inputs import read_tokenizer
from itemsearch.embed.model_folder import WEIGHTS, model_folder
from itemsearch.errors import ModelError
from itemsearch.indexes.arrays import Floats, unit_rows

PARTS = ("image", "lexical")
TENSORS = tuple(
    f"embeddings.{name}" for name in ("word_embeddings.weight", "LayerNorm.weight", "LayerNorm.bias")
)
NO_WORDS = ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]")
MAX_TOKENS = 512
BLOCK_TITLES = 1024


@dataclass(frozen=True, slots=True)
class CategoryVectors:
    """Makes category vectors.

    pieces: (V, D) float16, the vocabulary as it enters the stream, zero for what is no word. slices: where
    those of the `PARTS` that the model has are in an embedding.
    """

    tokenizer: Tokenizer
    pieces: npt.NDArray[np.float16]
    slices: Mapping[str, slice]

    @classmethod
    def of_encoder(cls, encoder: Encoder) -> Self:
        """Reads the word embeddings and the tokenizer of an encoder's model.

        Raises:
            ModelError: the files of the model cannot be read.
        """
        folder = model_folder(encoder.name)
        tokenizer = read_tokenizer(folder, MAX_TOKENS)
        pieces = _read_pieces(folder / WEIGHTS).astype(np.float16)
        pieces[[place for name in NO_WORDS if (place := tokenizer.token_to_id(name)) is not None]] = 0
        sizes = encoder.stamp.parts
        ends = dict(zip(sizes, np.cumsum(list(sizes.values())).tolist(), strict=True))
        slices = {name: slice(ends[name] - sizes[name], ends[name]) for name in PARTS if name in sizes}
        return cls(tokenizer, pieces, slices)

    @property
    def dim(self) -> int:
        """C, how many numbers a category vector has."""
        return int(self.pieces.shape[1] + sum(part.stop - part.start for part in self.slices.values()))

    def of(self, titles: Sequence[str], embeddings: Floats) -> Floats:
        """(N, C) float32 of length 1: the words of N titles ("" for none) and the parts of their (N, E)
        embeddings, each of length 1, or zero where the listing lacks it. All zero where it lacks all."""
        seen = (embeddings[:, part].astype(np.float32) for part in self.slices.values())
        parts = (self._words(titles), *seen)
        return unit_rows(np.concatenate([unit_rows(part) for part in parts], axis=1))

    def _words(self, titles: Sequence[str]) -> Floats:
        """(N, D) the sum of each title's pieces."""
        sums = np.zeros((len(titles), self.pieces.shape[1]), np.float32)
        for start in range(0, len(titles), BLOCK_TITLES):
            block = list(titles[start : start + BLOCK_TITLES])
            for row, encoded in enumerate(self.tokenizer.encode_batch(block), start):
                sums[row] = self.pieces[encoded.ids].sum(axis=0, dtype=np.float32)
        return sums


def _read_pieces(weights: Path) -> Floats:
    """(V, D) float32: the word embeddings in a model's weights, after the layer norm at the stream's start:
    rare pieces, whose embeddings are longer, do not outweigh the others.

    Raises:
        ModelError: they cannot be read.
    """
    try:
        with safe_open(weights, framework="np") as tensors:
            pieces, scale, shift = (tensors.get_tensor(name).astype(np.float32) for name in TENSORS)
    except (OSError, SafetensorError) as error:
        raise ModelError(f"{weights}: no word embeddings: {error}") from error
    centred = pieces - pieces.mean(axis=1, keepdims=True)
    spread = np.maximum(centred.std(axis=1, keepdims=True), 1e-6)
    normed: Floats = centred / spread * scale + shift
    return normed
