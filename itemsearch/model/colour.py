"""Which colours the object in a picture has: what another photo of the same product keeps."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

SIDE = 40
"""Pixels a side on which colours are counted."""
INSET = 4
"""Of those, left out on every side: frames, borders and badges in corners are not the product's."""
BACKGROUND_DISTANCE = 0.15
"""Distance in RGB, each of 0 to 1, from the border's colour at which a pixel counts as object in full."""
BACKGROUND_WEIGHT = 0.02
"""What a pixel of the border's colour still counts: a white shirt on white is not without colour."""
CENTRE_SPREAD = 0.3
"""Standard deviation, in picture sides, of the Gaussian that favours the middle."""


class ColourHistogram(nn.Module):
    """Soft counts of `bins`^3 RGB colours over the object, as a vector of length 1.

    Each pixel is shared among the eight nearest bin centres (trilinear), so that a shift of light moves a
    histogram a little, not a bin. Square roots make the inner product of two the Bhattacharyya
    coefficient. The object is what differs from the median of the inner picture's border, nearer to the
    middle.
    """

    def __init__(self, bins: int) -> None:
        super().__init__()
        self.bins = bins

    def forward(self, pixel_values: Tensor) -> Tensor:
        """(B, 3, H, W) pixels as (x - 127) / 128 -> (B, bins^3)."""
        small = F.adaptive_avg_pool2d(pixel_values.float(), SIDE)[..., INSET:-INSET, INSET:-INSET]
        small = ((small * 128 + 127) / 255).clamp(0, 1)  # (B, 3, side, side)
        edge = torch.cat((small[:, :, 0], small[:, :, -1], small[..., 0], small[..., -1]), dim=-1)
        background = edge.median(dim=-1).values[..., None]  # (B, 3, 1)
        pixels = small.flatten(2)  # (B, 3, side, side) -> (B, 3, N)
        distance = (pixels - background).norm(dim=1)  # (B, N)
        weight = (distance / BACKGROUND_DISTANCE).clamp(max=1) + BACKGROUND_WEIGHT
        weight = weight * _centre(small.shape[-1], pixels.device)
        centres = torch.arange(self.bins, device=pixels.device)
        # The share of each channel's bins in each pixel: (B, 3, N) -> (B, 3, N, bins)
        share = F.relu(1 - (pixels[..., None] * (self.bins - 1) - centres).abs())
        red, green, blue = share.unbind(dim=1)
        counts = torch.einsum("bni,bnj,bnk->bijk", red * weight[..., None], green, blue)
        return F.normalize(counts.flatten(1).sqrt(), dim=-1)  # (B, i, j, k) -> (B, bins^3)


def _centre(side: int, device: torch.device) -> Tensor:
    """(N,) how much each pixel of a square counts for where it is."""
    place = torch.linspace(-0.5, 0.5, side, device=device)
    return torch.exp(-(place[:, None] ** 2 + place**2) / (2 * CENTRE_SPREAD**2)).flatten()
