"""Copies batches to the device that computes and embeddings back: on a GPU while it computes, through pinned
memory.

Shapes: B listings, C of them with a picture, T title tokens, N n-grams, E embedding size.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import nullcontext
from dataclasses import dataclass, fields
from typing import Any, Self

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from itemsearch.embed.inputs import EncoderBatch
from itemsearch.errors import ModelError
from itemsearch.model.encoder import EncoderInput
from itemsearch.model.lexical import pad_ngrams

FEWEST, MOST = 8, 512
"""Listings at a time that `largest_batch` tries; the embedder reads 512 rows at a time."""


@dataclass(frozen=True, slots=True)
class BatchTensors:
    """A batch before it is the model's input: pictures are bytes, a quarter of what they are there.

    input_ids, title_mask: (B, T) int64. ngrams: (B, N) int64. has_title, has_image: (B,) bool. pixels: (C,
    side, side, 3) uint8, of the rows `pictured`: (C,) int64.
    """

    input_ids: Tensor
    title_mask: Tensor
    ngrams: Tensor
    has_title: Tensor
    has_image: Tensor
    pixels: Tensor
    pictured: Tensor

    @classmethod
    def of(cls, batch: EncoderBatch) -> Self:
        """In the memory of the batch itself, where it has arrays."""
        return cls(
            input_ids=torch.from_numpy(batch.input_ids),
            title_mask=torch.from_numpy(batch.title_mask),
            ngrams=pad_ngrams(batch.titles),
            has_title=torch.tensor([bool(title) for title in batch.titles]),
            has_image=torch.from_numpy(batch.has_image),
            pixels=torch.from_numpy(batch.pixels),
            # Where pictures are is found here: a mask on the GPU would make it wait for the host.
            pictured=torch.from_numpy(np.flatnonzero(batch.has_image)),
        )

    def each(self, change: Callable[[Tensor], Tensor]) -> BatchTensors:
        """The same batch, each tensor changed."""
        return BatchTensors(*(change(getattr(self, field.name)) for field in fields(self)))

    def model_input(self) -> EncoderInput:
        """What the model takes, made on the device that holds this."""
        pixel_values = None
        if len(self.pixels):
            scaled = (self.pixels.permute(0, 3, 1, 2).float() - 127) / 128  # (C, H, W, 3) -> (C, 3, H, W)
            pixel_values = scaled.new_zeros((len(self.has_image), *scaled.shape[1:]))
            pixel_values[self.pictured] = scaled
        return EncoderInput(
            input_ids=self.input_ids,
            attention_mask=self.title_mask,
            ngrams=self.ngrams,
            pixel_values=pixel_values,
            has_title=self.has_title,
            has_image=self.has_image,
        )


def uploaded(
    batches: Iterable[EncoderBatch], device: torch.device
) -> Iterator[tuple[list[int], BatchTensors]]:
    """Yields the rows and the tensors of each batch on the device; the next one is on its way there while one
    is used."""
    stream: Any = None
    if device.type == "cuda":
        stream = torch.cuda.Stream(device)  # type: ignore[no-untyped-call]
    upcoming: tuple[list[int], BatchTensors, Any] | None = None
    for batch in batches:
        following = (batch.rows, *_upload(BatchTensors.of(batch), device, stream))
        if upcoming is not None:
            yield _arrived(*upcoming)
        upcoming = following
    if upcoming is not None:
        yield _arrived(*upcoming)


def _upload(tensors: BatchTensors, device: torch.device, stream: Any) -> tuple[BatchTensors, Any]:
    """The tensors, perhaps still on their way, and what tells of their arrival: an event, None on a CPU."""
    if stream is not None:
        tensors = tensors.each(Tensor.pin_memory)
    with torch.cuda.stream(stream) if stream else nullcontext():
        copies = tensors.each(lambda tensor: tensor.to(device, non_blocking=True))
        return copies, stream.record_event() if stream else None


def _arrived(rows: list[int], tensors: BatchTensors, event: Any) -> tuple[list[int], BatchTensors]:
    """What is computed from now on waits for the copy, and the copy's memory for what is computed."""
    if event is not None:
        computing = torch.cuda.current_stream()
        computing.wait_event(event)
        tensors.each(lambda tensor: _kept_for(tensor, computing))
    return rows, tensors


def _kept_for(tensor: Tensor, stream: torch.cuda.Stream) -> Tensor:
    tensor.record_stream(stream)
    return tensor


class Download:
    """(B, E) embeddings on their way from the device. The GPU goes on to the next batch meanwhile."""

    def __init__(self, rows: list[int], embeddings: Tensor) -> None:
        self.rows = rows
        self._arrived: torch.cuda.Event | None = None
        self._host = embeddings
        if embeddings.device.type == "cuda":
            self._host = torch.empty(embeddings.shape, dtype=embeddings.dtype, pin_memory=True)
            self._host.copy_(embeddings, non_blocking=True)
            self._arrived = torch.cuda.current_stream().record_event()

    def result(self) -> npt.NDArray[np.float32]:
        """The embeddings, once they are here."""
        if self._arrived is not None:
            self._arrived.synchronize()
        embeddings: npt.NDArray[np.float32] = self._host.numpy()
        return embeddings


def largest_batch(compute: Callable[[int], object]) -> int:
    """The largest of `FEWEST`, twice as many, ... `MOST` that the device has memory for.

    Args:
        compute: computes a batch of so many listings.

    Raises:
        ModelError: the memory does not suffice for `FEWEST`.
    """
    size = 0
    while (tried := 2 * size or FEWEST) <= MOST:
        try:
            compute(tried)
        except torch.OutOfMemoryError:
            break
        size = tried
    if not size:
        raise ModelError(f"the device has no memory for {FEWEST} listings at a time: use --device cpu")
    return size
