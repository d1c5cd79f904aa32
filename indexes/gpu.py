"""FAISS on a GPU: whether there is one, and training and adding on it.

Limits and options: FAISS wiki, "Faiss on the GPU"; faiss/gpu/GpuClonerOptions.h.
"""

from __future__ import annotations

from typing import Any

import faiss

from indexes.errors import NoGpuError, SpecError

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


class GpuCopy:
    """An IVF-PQ index moved to the first GPU, to be trained or added to there, and brought back."""

    def __init__(self, resources: Any, index: Any) -> None:
        self.resources = resources
        self.index = index

    @classmethod
    def of(cls, index: Any, m: int) -> GpuCopy:
        options = faiss.GpuClonerOptions()
        options.useFloat16 = m >= HALF_PRECISION_FROM
        options.usePrecomputed = False
        resources = faiss.StandardGpuResources()
        return cls(resources, faiss.index_cpu_to_gpu(resources, 0, index, options))

    def to_cpu(self) -> Any:
        return faiss.index_gpu_to_cpu(self.index)
