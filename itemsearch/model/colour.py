"""Colour histogram of the object in a picture.

Shapes: B pictures, H x W pixels of the input, N pixels counted, K bins of a channel.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

SIDE = 40
"""Pixels a side that a picture is pooled to before its colours are counted."""
INSET = 4
"""Pooled pixels left out on every side: frames, borders and corner badges do not belong to the product."""
BACKGROUND_DISTANCE = 0.15
"""Distance in RGB (channels from 0 to 1) from the background colour at which a pixel has full weight."""
BACKGROUND_WEIGHT = 0.02
"""Weight added to every pixel, so that a white shirt on a white background still has a colour."""
CENTRE_SPREAD = 0.3
"""Standard deviation, in picture sides, of the Gaussian weight around the middle."""


class ColourHistogram(nn.Module):
    """Soft counts of `bins`^3 RGB colours over the object, as a vector of length 1.

    Each pixel is shared among the eight nearest bin centres (trilinear), so that a small shift of light
    changes a histogram a little. Square roots make the inner product of two histograms the Bhattacharyya
    coefficient. A pixel belongs to the object the more it differs from the background, which is the median
    colour of the inner picture's border, and the nearer it is to the middle.
    """

    def __init__(self, bins: int) -> None:
        super().__init__()
        self.bins = bins

    def forward(self, pixel_values: Tensor) -> Tensor:
        """(B, 3, H, W) pixels as (x - 127) / 128 -> (B, K^3) float32, L2-normalised."""
        small = F.adaptive_avg_pool2d(pixel_values.float(), SIDE)[..., INSET:-INSET, INSET:-INSET]
        small = ((small * 128 + 127) / 255).clamp(0, 1)  # (B, 3, side, side), 0 to 1
        border = torch.cat((small[:, :, 0], small[:, :, -1], small[..., 0], small[..., -1]), dim=-1)
        # The lower median, by sorting: OpenVINO has no median.
        background = border.sort(dim=-1).values[..., (border.shape[-1] - 1) // 2, None]  # -> (B, 3, 1)
        pixels = small.flatten(2)  # (B, 3, side, side) -> (B, 3, N)
        distance = (pixels - background).norm(dim=1)  # (B, 3, N) -> (B, N)
        weight = (distance / BACKGROUND_DISTANCE).clamp(max=1) + BACKGROUND_WEIGHT
        weight = weight * _centre_weights(small.shape[-1], pixels.device)
        bin_centres = torch.arange(self.bins, device=pixels.device)
        # The share of each pixel that falls into each bin of a channel: (B, 3, N) -> (B, 3, N, K)
        share = F.relu(1 - (pixels[..., None] * (self.bins - 1) - bin_centres).abs())
        red, green, blue = share.unbind(dim=1)  # (B, N, K) each
        counts = torch.einsum("bni,bnj,bnk->bijk", red * weight[..., None], green, blue)
        return F.normalize(counts.flatten(1).sqrt(), dim=-1)  # (B, K, K, K) -> (B, K^3)


def _centre_weights(side: int, device: torch.device) -> Tensor:
    """(N,) the Gaussian weight of each pixel of a square, row by row; 1 in the middle."""
    offset = torch.linspace(-0.5, 0.5, side, device=device)
    return torch.exp(-(offset[:, None] ** 2 + offset**2) / (2 * CENTRE_SPREAD**2)).flatten()
