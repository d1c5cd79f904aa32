"""Chooses the device that FAISS computes on, and copies an index to the GPU.

Limits and options: FAISS wiki, "Faiss on the GPU"; faiss/gpu/GpuClonerOptions.h.
"""

from __future__ import annotations

from typing import Any

import faiss

from itemsearch.indexes.errors import NoGpuError, SpecError
from itemsearch.indexes.types import IndexSpec

HALF_PRECISION_FROM = 56
"""The number of sub-quantisers from which lookup tables fit a GPU's shared memory only in float16."""


def resolve_device(name: str) -> str:
    """Resolves "auto" to "cuda" where FAISS sees a GPU, else to "cpu"; returns the other two as they are.

    Raises:
        NoGpuError: `name` is "cuda", and FAISS sees no GPU.
        SpecError: `name` is none of the three.
    """
    if name not in ("auto", "cpu", "cuda"):
        raise SpecError(f"--device is {name!r}; use auto, cpu or cuda")
    gpus = count_gpus()
    if name == "cuda" and not gpus:
        raise NoGpuError("--device is 'cuda', but FAISS sees no GPU here; use auto or cpu")
    if name == "auto":
        return "cuda" if gpus else "cpu"
    return name


def count_gpus() -> int:
    """The number of GPUs that FAISS sees."""
    count: int = faiss.get_num_gpus()
    return count


def describe_faiss() -> str:
    """FAISS's version, its compile options and the number of GPUs that it sees, in words."""
    return f"{faiss.__version__} ({faiss.get_compile_options().strip()}), {count_gpus()} GPUs"


def cloner_options(spec: IndexSpec) -> Any:
    """Options to copy an IVF-PQ index of this specification to a GPU."""
    options = faiss.GpuClonerOptions()
    options.useFloat16 = spec.m >= HALF_PRECISION_FROM
    options.usePrecomputed = False  # those tables serve L2 distances only
    return options


def to_gpu(index: Any, spec: IndexSpec) -> Any:
    """Copies an untrained IVF-PQ index to the first GPU. `faiss.index_gpu_to_cpu` copies it back."""
    copy: Any = faiss.index_cpu_to_gpu(faiss.StandardGpuResources(), 0, index, cloner_options(spec))
    copy.cp = index.cp  # cloning takes the product quantiser's training parameters along, not these
    return copy
