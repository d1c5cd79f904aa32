"""Choice and description of the device that torch computes on."""

from __future__ import annotations

import torch

from itemsearch.errors import UsageError


def resolve_device(name: str) -> torch.device:
    """The torch device of "auto", "cpu" or "cuda"; "auto" is "cuda" where torch sees a GPU, else "cpu".

    Raises:
        UsageError: `name` is another one, or "cuda" where torch sees no GPU.
    """
    if name not in ("auto", "cpu", "cuda"):
        raise UsageError(f"--device is {name!r}; use auto, cpu or cuda")
    if name == "cuda" and not torch.cuda.is_available():
        raise UsageError("--device cuda: torch sees no GPU here; use --device auto or cpu")
    if name == "auto":
        name = "cuda" if torch.cuda.is_available() else "cpu"
    return torch.device(name)


def describe_device(device: torch.device) -> str:
    """The device's name and the number format that the encoder uses on it, for display."""
    name = torch.cuda.get_device_name(device) if device.type == "cuda" else "CPU, no GPU seen"
    return f"{name}, {str(half_format(device) or torch.float32).removeprefix('torch.')}"


def half_format(device: torch.device) -> torch.dtype | None:
    """The 16-bit format that the encoder computes in on a device; None where float32 is faster.

    bfloat16 has the range of float32; float16, which all GPUs are fast in, serves those without it.
    """
    if has_bfloat16(device):
        return torch.bfloat16
    return torch.float16 if device.type == "cuda" else None


def has_bfloat16(device: torch.device) -> bool:
    """Whether the hardware multiplies bfloat16 matrices natively; emulated, it is slower than float32."""
    if device.type == "cuda":
        return torch.cuda.is_bf16_supported(including_emulation=False)
    return bool(torch.cpu._is_avx512_bf16_supported() or torch.cpu._is_amx_tile_supported())
