"""From pixels to the features of patches: the part of the stream that is the picture."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from itemsearch.model.config import ITEmConfig
from itemsearch.model.efficientnet import GRID_CHANNELS, POOLED_CHANNELS, EfficientNetLite0

CPU_BATCH = 8
"""Pictures at once on a CPU: the activations of more of them leave its caches, at half the pace."""


@dataclass(frozen=True, slots=True)
class PatchFeatures:
    """`grid` (B, P, F), one row a patch from the top left; `pooled` (B, G), None for linear patches."""

    grid: Tensor
    pooled: Tensor | None


class LinearPatches(nn.Module):
    """Squares of pixels as they are; the encoder's own projection makes them a ViT's patches."""

    def __init__(self, config: ITEmConfig) -> None:
        super().__init__()
        self.unfold = nn.Unfold(config.patch_size, stride=config.patch_size)
        self.feature_dim = 3 * config.patch_size**2

    def forward(self, pixel_values: Tensor) -> PatchFeatures:
        return PatchFeatures(self.unfold(pixel_values).transpose(1, 2), None)  # (B, F, P) -> (B, P, F)


class ConvolutionalPatches(nn.Module):
    """Cells of EfficientNet-Lite0's last feature grid."""

    feature_dim = GRID_CHANNELS
    pooled_dim = POOLED_CHANNELS

    def __init__(self) -> None:
        super().__init__()
        self.network = EfficientNetLite0()

    def forward(self, pixel_values: Tensor) -> PatchFeatures:
        on_cpu = pixel_values.device.type == "cpu"
        batches = torch.split(pixel_values, CPU_BATCH if on_cpu else len(pixel_values))
        grid, pooled = map(torch.cat, zip(*map(self.network, batches), strict=True))
        return PatchFeatures(grid.flatten(2).transpose(1, 2), pooled)  # (B, F, h, w) -> (B, P, F)


def build_patches(config: ITEmConfig) -> LinearPatches | ConvolutionalPatches:
    return LinearPatches(config) if config.patches == "linear" else ConvolutionalPatches()
