"""Measures of the machine: the speed of matrix products and the operations of a model."""

from __future__ import annotations

import time
from collections.abc import Sequence

import torch
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.utils.flop_counter import FlopCounterMode

from itemsearch.embed.inputs import EncoderBatch
from itemsearch.embed.torch_encoder import TorchEncoder

SIDES = {"cpu": 2048, "cuda": 8192}
"""Rows and columns of the multiplied matrices, large enough to reach the full speed of the device."""
MIN_SECONDS = 1.0


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
