"""The stated figures of hardware, from its makers' pages. Nothing here was measured by this project."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Gpu:
    """A GPU. bfloat16, float32: dense operations a second; of a T4, float16. memory_bytes: of the GPU."""

    name: str
    bfloat16: float
    float32: float
    memory_bytes: float
    source: str


@dataclass(frozen=True, slots=True)
class Machine:
    """A machine without a GPU. cores: virtual ones. network: bytes a second."""

    name: str
    cores: int
    memory_bytes: float
    network: float
    source: str


GPUS = {
    "h100": Gpu("H100 SXM", 989e12, 67e12, 80e9, "NVIDIA H100 data sheet, without sparsity"),
    "a100": Gpu("A100 SXM 80 GB", 312e12, 19.5e12, 80e9, "NVIDIA A100 data sheet, without sparsity"),
    "l4": Gpu("L4", 121e12, 30.3e12, 24e9, "NVIDIA L4 data sheet, without sparsity"),
    "t4": Gpu("T4", 65e12, 8.1e12, 16e9, "NVIDIA T4 data sheet"),
}
MACHINE = Machine("64 virtual cores, 256 GiB, 25 Gbit/s", 64, 256 * 2**30, 25e9 / 8, "AWS m7i.16xlarge")

SHARE_OF_BFLOAT16 = 0.126
"""Of a GPU's peak that the encoder is taken to reach: a guess, the share that it reaches of a CPU's matrix
products (docs/results.md, "Speed")."""
SHARE_OF_FLOAT32 = 0.5
"""Of a GPU's peak that k-means and the assignment to lists are taken to reach: a guess."""
