"""Measures of the machine: the speed of matrix products, the operations of a model, and peak memory."""

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

from itemsearch.embed.inputs import EncoderBatch
from itemsearch.embed.torch_encoder import TorchEncoder

SIDES = {"cpu": 2048, "cuda": 8192}
"""Rows and columns of the multiplied matrices, large enough to reach the full speed of the device."""
MIN_SECONDS = 1.0
POLL_SECONDS = 0.01


def matrix_flops(device: torch.device, dtype: torch.dtype) -> float:
    """Floating-point operations per second of the product of two square matrices, the fastest of many."""
    side = SIDES[device.type]
    a, b = (torch.randn(side, side, device=device).to(dtype) for _ in range(2))
    best, started = float("inf"), time.perf_counter()
    while time.perf_counter() - started < MIN_SECONDS:
        lap = time.perf_counter()
        a @ b
        if device.type == "cuda":
            torch.cuda.synchronize(device)
        best = min(best, time.perf_counter() - lap)
    return 2 * side**3 / best


def model_flops(encoder: TorchEncoder, batches: Sequence[EncoderBatch]) -> int:
    """Floating-point operations of embedding these batches: matrix products and convolutions."""
    # The counter misses the fused attention of a CPU; the plain one computes the same products.
    with FlopCounterMode(display=False) as counter, sdpa_kernel(SDPBackend.MATH):
        for batch in batches:
            encoder.embed(batch)
    return int(counter.get_total_flops())


class MemoryWatch:
    """A context manager that records the peak memory of this process, read every `POLL_SECONDS`.

    Attributes:
        before: resident bytes of the process when the object was made.
        peak: the most resident bytes inside the context.
        gpu_peak: the most bytes of tensors on the GPU; 0 without one.
    """

    def __init__(self, device: torch.device) -> None:
        self.device = device
        self.before = self.peak = _resident_bytes()
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
            self.peak = max(self.peak, _resident_bytes())
            if self._done.wait(POLL_SECONDS):
                return


def _resident_bytes() -> int:
    return int(psutil.Process().memory_info().rss)
