"""FAISS on a GPU: whether there is one, and an index's copy on it.

Limits and options: FAISS wiki, "Faiss on the GPU"; faiss/gpu/GpuClonerOptions.h.
"""

from __future__ import annotations

from typing import Any

import faiss

from itemsearch.indexes.building.choose import IndexSpec
from itemsearch.indexes.errors import NoGpuError, SpecError

HALF_PRECISION_FROM = 56
"""Sub-quantisers from which lookup tables fit a GPU's shared memory in float16 only."""


def resolve_device(name: str) -> str:
    """ "cpu" or "gpu"; "auto" is the GPU where FAISS sees one.

    Raises:
        NoGpuError: "gpu", and FAISS sees none.
        SpecError: another name.
    """
    if name not in ("auto", "cpu", "gpu"):
        raise SpecError(f"device {name!r}: use auto, cpu or gpu")
    gpus = faiss.get_num_gpus()
    if name == "gpu" and not gpus:
        raise NoGpuError("device gpu: FAISS sees no GPU here; use --device auto or cpu")
    if name == "auto":
        return "gpu" if gpus else "cpu"
    return name


def describe_faiss() -> str:
    """For people: FAISS's version, how it was compiled, and how many GPUs it sees."""
    return f"{faiss.__version__} ({faiss.get_compile_options().strip()}), {faiss.get_num_gpus()} GPUs"


def cloner_options(spec: IndexSpec) -> Any:
    """How an IVF-PQ index must lie on a GPU."""
    options = faiss.GpuClonerOptions()
    options.useFloat16 = spec.m >= HALF_PRECISION_FROM
    options.usePrecomputed = False  # those tables serve L2 distances only
    return options


def to_gpu(index: Any, spec: IndexSpec) -> Any:
    """A copy of an untrained IVF-PQ index on the first GPU. `faiss.index_gpu_to_cpu` brings it back."""
    copy: Any = faiss.index_cpu_to_gpu(faiss.StandardGpuResources(), 0, index, cloner_options(spec))
    copy.cp = index.cp  # cloning takes the product quantiser's training parameters along, not these
    return copy
