"""What a machine can do at most, and what a program takes of it: matrix products, a model's work, memory."""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence
from types import TracebackType
from typing import Self

import psutil
import torch
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.utils.flop_counter import FlopCounterMode

from itemsearch.embed.encoder import ListingEncoder
from itemsearch.model.encoder import EncoderInput

SIDES = {"cpu": 2048, "cuda": 8192}
"""Rows and columns of the matrices multiplied: as large as it takes to be as fast as the device can."""
LEAST_SECONDS = 1.0
EVERY_SECONDS = 0.01


def matrix_flops(device: torch.device, dtype: torch.dtype) -> float:
    """Floating-point operations a second in the product of two square matrices, the fastest of many."""
    side = SIDES[device.type]
    a, b = (torch.randn(side, side, device=device).to(dtype) for _ in range(2))
    best, started = float("inf"), time.perf_counter()
    while time.perf_counter() - started < LEAST_SECONDS:
        lap = time.perf_counter()
        a @ b
        if device.type == "cuda":
            torch.cuda.synchronize(device)
        best = min(best, time.perf_counter() - lap)
    return 2 * side**3 / best


def model_flops(encoder: ListingEncoder, listings: Sequence[EncoderInput]) -> int:
    """Floating-point operations of embedding these batches: matrix products and convolutions."""
    # The fused attention of a CPU is not counted; the plain one is the same products, one by one.
    with FlopCounterMode(display=False) as counter, sdpa_kernel(SDPBackend.MATH):
        for listing in listings:
            encoder.embed(listing)
    return int(counter.get_total_flops())


class MemoryWatch:
    """A context: the most memory that this process held in it, looked at every `EVERY_SECONDS`.

    before, peak: bytes of the process. gpu_peak: bytes of tensors on the GPU; 0 without one.
    """

    def __init__(self, device: torch.device) -> None:
        self.device = device
        self.before = self.peak = _held()
        self.gpu_peak = 0
        self._done = threading.Event()
        self._watcher = threading.Thread(target=self._watch)

    def __enter__(self) -> Self:
        if self.device.type == "cuda":
            torch.cuda.reset_peak_memory_stats(self.device)
        self._watcher.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._done.set()
        self._watcher.join()
        if self.device.type == "cuda":
            self.gpu_peak = torch.cuda.max_memory_allocated(self.device)

    def _watch(self) -> None:
        while True:
            self.peak = max(self.peak, _held())
            if self._done.wait(EVERY_SECONDS):
                return


def _held() -> int:
    return int(psutil.Process().memory_info().rss)
