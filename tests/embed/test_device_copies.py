"""What a GPU does ahead of time, on the CPU: the same code without streams and pinned memory."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

import numpy as np
import pytest
import torch
from support.catalogs import draw_picture, titles

from itemsearch.embed.device_copies import FEWEST, MOST, BatchTensors, largest_batch, uploaded
from itemsearch.embed.inputs import BATCH, EncoderBatch
from itemsearch.embed.torch_encoder import TorchEncoder
from itemsearch.errors import ModelError
from itemsearch.model import device

CPU = torch.device("cpu")
needs_gpu = pytest.mark.skipif(not torch.cuda.is_available(), reason="no GPU")


def batches(encoder: TorchEncoder, count: int, size: int) -> list[EncoderBatch]:
    """Every third listing has no title, every third no picture."""
    texts = [title if number % 3 else "" for number, title in enumerate(titles(count))]
    images = [draw_picture(number) if number % 3 != 1 else None for number in range(count)]
    return list(encoder.prepare(texts, images, size))


def test_batches_arrive_in_order_and_whole(torch_encoder: TorchEncoder) -> None:
    made = batches(torch_encoder, 20, 6)
    arrived = list(uploaded(made, CPU))
    assert [rows for rows, _ in arrived] == [batch.rows for batch in made]
    for batch, (_, tensors) in zip(made, arrived, strict=True):
        assert np.array_equal(tensors.input_ids.numpy(), batch.input_ids)
        assert np.array_equal(tensors.pixels.numpy(), batch.pixels)
        assert tensors.has_title.tolist() == [bool(title) for title in batch.titles]
        pixels = tensors.model_input().pixel_values
        assert (pixels is not None) == batch.has_image.any()
        if pixels is None:
            continue
        for row, place in enumerate(np.flatnonzero(batch.has_image)):
            expected = (batch.pixels[row].astype(np.float32).transpose(2, 0, 1) - 127) / 128
            assert np.allclose(pixels[place].numpy(), expected)
        assert not pixels[~batch.has_image].any()


def test_the_next_batch_is_made_before_one_is_used_and_no_further(torch_encoder: TorchEncoder) -> None:
    made: list[int] = []

    def watched() -> Iterator[EncoderBatch]:
        for number, batch in enumerate(batches(torch_encoder, 12, 3)):
            made.append(number)
            yield batch

    for number, _ in enumerate(uploaded(watched(), CPU)):
        assert made == list(range(min(number + 2, 4)))
    assert list(uploaded([], CPU)) == []


def test_many_batches_give_what_each_gives_alone(torch_encoder: TorchEncoder) -> None:
    made = batches(torch_encoder, 20, 6)
    together = list(torch_encoder.embed_many(made))
    assert [rows for rows, _ in together] == [batch.rows for batch in made]
    for batch, (_, embeddings) in zip(made, together, strict=True):
        assert np.array_equal(embeddings, torch_encoder.embed(batch))


def test_float16_gives_the_embeddings_of_float32(
    torch_encoder: TorchEncoder, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As a GPU without bfloat16 computes."""
    made = batches(torch_encoder, 20, 6)
    exact = [torch_encoder.embed(batch, half=False) for batch in made]
    monkeypatch.setattr("itemsearch.embed.torch_encoder.half_format", lambda device: torch.float16)
    assert torch_encoder.precision == "float16"
    for batch, expected in zip(made, exact, strict=True):
        assert (torch_encoder.embed(batch) * expected).sum(axis=1).min() > 0.99


def test_the_format_follows_the_device(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(device, "has_bfloat16", lambda device: True)
    assert device.half_format(CPU) == device.half_format(torch.device("cuda")) == torch.bfloat16
    monkeypatch.setattr(device, "has_bfloat16", lambda device: False)
    assert device.half_format(CPU) is None
    assert device.half_format(torch.device("cuda")) == torch.float16


@pytest.mark.parametrize(("room", "expected"), [(8, 8), (100, 64), (10_000, MOST)])
def test_the_largest_batch_is_found_by_doubling(room: int, expected: int) -> None:
    tried: list[int] = []

    def compute(rows: int) -> None:
        tried.append(rows)
        if rows > room:
            raise torch.OutOfMemoryError("no room")

    assert largest_batch(compute) == expected
    assert tried[0] == FEWEST
    assert all(later == 2 * earlier for earlier, later in pairwise(tried))


def test_a_device_without_room_for_a_few_is_told() -> None:
    def compute(rows: int) -> None:
        raise torch.OutOfMemoryError("no room")

    with pytest.raises(ModelError, match="use --device cpu"):
        largest_batch(compute)


def test_the_fullest_batch_is_one_that_the_model_takes(torch_encoder: TorchEncoder) -> None:
    assert torch_encoder.batch_size == BATCH
    fullest = torch_encoder.fullest(3)
    assert torch_encoder.embed(fullest).shape == (3, torch_encoder.dim)
    longest = batches(torch_encoder, 60, 60)[0]
    assert fullest.input_ids.shape[1] >= longest.input_ids.shape[1]
    widths = [BatchTensors.of(batch).ngrams.shape[1] for batch in (fullest, longest)]
    assert widths[0] >= widths[1]


@pytest.mark.gpu
@needs_gpu
def test_a_gpu_copies_while_it_computes(tiny_model: str, torch_encoder: TorchEncoder) -> None:
    on_gpu = TorchEncoder.from_pretrained(str(tiny_model), "cuda")
    assert on_gpu.batch_size in [FEWEST * 2**power for power in range(7)]
    made = batches(torch_encoder, 200, 6)
    for (_, one), batch in zip(on_gpu.embed_many(made), made, strict=True):
        assert (one * torch_encoder.embed(batch, half=False)).sum(axis=1).min() > 0.99
