"""Prepares titles and pictures for the encoder with numpy alone, in batches of similar titles.

Shapes: B listings of a batch, C of them with a picture, T title tokens ([CLS] and [SEP] included), L size of
a lexical sketch, K buckets of n-grams.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
from PIL import Image
from tokenizers import Tokenizer

from itemsearch.embed.model_folder import TOKENIZER
from itemsearch.errors import ModelError
from itemsearch.ngrams import hash_ngrams

PADDING = "[PAD]"
BATCH = 32
"""Listings that the model takes at a time on a CPU; larger batches exceed its caches."""

Pixels = npt.NDArray[np.uint8]


@dataclass(frozen=True, slots=True)
class EncoderBatch:
    """B listings, of which C have a picture.

    rows: which listings these are. titles: "" for none. input_ids: (B, T) int64. title_mask: (B, T) int64, 1
    at [CLS] and at the tokens of a title. has_image: (B,) bool. pixels: (C, side, side, 3) uint8.
    """

    rows: list[int]
    titles: list[str]
    input_ids: npt.NDArray[np.int64]
    title_mask: npt.NDArray[np.int64]
    has_image: npt.NDArray[np.bool_]
    pixels: Pixels


def read_tokenizer(folder: Path, max_tokens: int) -> Tokenizer:
    """The tokenizer of a model folder; it cuts titles to `max_tokens`, and pads to the longest of a batch.

    Raises:
        ModelError: its file cannot be read.
    """
    path = folder / TOKENIZER
    try:
        tokenizer = Tokenizer.from_file(str(path))
    except Exception as error:  # tokenizers raises no narrower one
        raise ModelError(f"{path}: cannot be read: {error}") from error
    tokenizer.enable_truncation(max_tokens)
    tokenizer.enable_padding(pad_id=tokenizer.token_to_id(PADDING), pad_token=PADDING)
    return tokenizer


def in_batches(titles: Sequence[str], batch_size: int) -> list[list[int]]:
    """The numbers of the listings, in batches; titles of similar length share one, since padding costs least
    then."""
    order = sorted(range(len(titles)), key=lambda row: len(titles[row]))
    return [order[start : start + batch_size] for start in range(0, len(order), batch_size)]


def prepare(
    tokenizer: Tokenizer,
    side: int,
    titles: Sequence[str],
    images: Sequence[Image.Image | None],
    batch_size: int,
) -> Iterator[EncoderBatch]:
    """Yields the listings in batches, as `in_batches` shares them out.

    Args:
        tokenizer: as `read_tokenizer` returns it.
        side: pixels a side of the model's pictures.
        titles, images: of the listings; "" and None where there is none.
    """
    for rows in in_batches(titles, batch_size):
        pixels = [None if (image := images[row]) is None else square_pixels(image, side) for row in rows]
        yield prepare_batch(tokenizer, side, rows, [titles[row] for row in rows], pixels)


def prepare_batch(
    tokenizer: Tokenizer,
    side: int,
    rows: list[int],
    titles: list[str],
    pixels: Sequence[Pixels | None],
) -> EncoderBatch:
    """A batch of listings whose pictures are squares already.

    Args:
        tokenizer, side: as in `prepare`.
        rows, titles, pixels: of these listings; the latter as `square_pixels` returns them, None for none.
    """
    encoded = tokenizer.encode_batch(titles)
    title_mask = np.array([each.attention_mask for each in encoded], np.int64)
    title_mask[[not title for title in titles]] = 0
    title_mask[:, 0] = 1
    present = [each for each in pixels if each is not None]
    return EncoderBatch(
        rows=rows,
        titles=titles,
        input_ids=np.array([each.ids for each in encoded], np.int64),
        title_mask=title_mask,
        has_image=np.array([each is not None for each in pixels]),
        pixels=np.stack(present) if present else np.empty((0, side, side, 3), np.uint8),
    )


def square_pixels(image: Image.Image, side: int) -> Pixels:
    """(side, side, 3) uint8: an RGB picture of any shape, resized to a square."""
    return np.asarray(image.resize((side, side), Image.Resampling.BICUBIC, reducing_gap=1.0))


def sketch_titles(
    titles: Sequence[str], signs: npt.NDArray[np.uint8], weights: npt.NDArray[np.float32]
) -> npt.NDArray[np.float32]:
    """(B, L) float32: the random projection of each title's weighted n-grams, zero for a title without any.

    As `itemsearch.model.lexical.LexicalSketch`, from its buffers: signs (K, L / 8), weights (K,).
    """
    sketches = np.zeros((len(titles), signs.shape[1] * 8), np.float32)
    for row, title in enumerate(titles):
        buckets = 1 + np.array(hash_ngrams(title), np.int64) % (len(weights) - 1)
        # Unpack bits to signs: (N, L / 8) -> (N, L), each -1 or 1
        drawn = np.unpackbits(signs[buckets], axis=1, bitorder="little").astype(np.float32) * 2 - 1
        sketches[row] = weights[buckets] @ drawn
    return sketches
