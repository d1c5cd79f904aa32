"""Features of image patches, computed from pixels.

Shapes: B pictures of H x W pixels, P patches = h x w cells of a grid, F features of a patch, G features of a
pooled picture.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from itemsearch.model.config import ITEmConfig
from itemsearch.model.efficientnet import GRID_CHANNELS, POOLED_CHANNELS, EfficientNetLite0

CPU_BATCH = 8
"""Pictures a forward pass on a CPU: larger batches exceed its caches and run at half the speed."""


@dataclass(frozen=True, slots=True)
class PatchFeatures:
    """Features of B pictures.

    grid: (B, P, F), patches row by row from the top left.
    pooled: (B, G), or None for linear patches.
    """

    grid: Tensor
    pooled: Tensor | None


class LinearPatches(nn.Module):
    """Pixels of square patches, which the encoder's patch projection embeds as a ViT does."""

    def __init__(self, config: ITEmConfig) -> None:
        super().__init__()
        self.unfold = nn.Unfold(config.patch_size, stride=config.patch_size)
        self.feature_dim = 3 * config.patch_size**2

    def forward(self, pixel_values: Tensor) -> PatchFeatures:
        """(B, 3, H, W) -> grid (B, P, F)."""
        return self.in_one_pass(pixel_values)

    def in_one_pass(self, pixel_values: Tensor) -> PatchFeatures:
        """The same: linear patches need no smaller batches."""
        return PatchFeatures(self.unfold(pixel_values).transpose(1, 2), None)  # (B, F, P) -> (B, P, F)


class ConvolutionalPatches(nn.Module):
    """Cells of EfficientNet-Lite0's last feature grid, and its pooled features."""

    feature_dim = GRID_CHANNELS
    pooled_dim = POOLED_CHANNELS

    def __init__(self) -> None:
        super().__init__()
        self.network = EfficientNetLite0()

    def forward(self, pixel_values: Tensor) -> PatchFeatures:
        """(B, 3, H, W) -> grid (B, P, F) and pooled (B, G)."""
        on_cpu = pixel_values.device.type == "cpu"
        batches = torch.split(pixel_values, CPU_BATCH if on_cpu else len(pixel_values))
        parts = [self.in_one_pass(batch) for batch in batches]
        pooled = [part.pooled for part in parts if part.pooled is not None]
        return PatchFeatures(torch.cat([part.grid for part in parts]), torch.cat(pooled))

    def in_one_pass(self, pixel_values: Tensor) -> PatchFeatures:
        """(B, 3, H, W) -> grid (B, P, F) and pooled (B, G)."""
        grid, pooled = self.network(pixel_values)
        return PatchFeatures(grid.flatten(2).transpose(1, 2), pooled)  # (B, F, h, w) -> (B, P, F)


def build_patches(config: ITEmConfig) -> LinearPatches | ConvolutionalPatches:
    """The patches that `config.patches` names."""
    return LinearPatches(config) if config.patches == "linear" else ConvolutionalPatches()
