"""EfficientNet-Lite0's feature extractor (arXiv 1905.11946; the Lite variants drop squeeze-and-excite).

BatchNorm in inference is an affine map of a convolution's output, so the published weights are folded
into plain convolutions when they are imported: fewer passes over memory, and no train/eval difference.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import torch
from torch import Tensor, nn
from torch.nn import functional as F

GRID_CHANNELS = 320
POOLED_CHANNELS = 1280
BATCH_NORM_EPS = 1e-3

# repeats, kernel, stride, expansion, channels out (arXiv 1905.11946, table 1)
STAGES = (
    (1, 3, 1, 1, 16),
    (2, 3, 2, 6, 24),
    (2, 5, 2, 6, 40),
    (3, 3, 2, 6, 80),
    (3, 5, 1, 6, 112),
    (4, 5, 2, 6, 192),
    (1, 3, 1, 6, GRID_CHANNELS),
)


def relu6(x: Tensor) -> Tensor:
    """In place: at these sizes the convolutions wait for memory, and this halves what an activation moves."""
    return F.relu6(x, inplace=True)


class SameConv(nn.Conv2d):
    """A convolution padded as TensorFlow's "SAME": the odd pixel goes right and below."""

    def forward(self, x: Tensor) -> Tensor:
        kernel, stride = self.kernel_size[0], self.stride[0]
        height, width = x.shape[-2:]
        pad_h = max((-(-height // stride) - 1) * stride + kernel - height, 0)
        pad_w = max((-(-width // stride) - 1) * stride + kernel - width, 0)
        if pad_h % 2 or pad_w % 2:
            x = F.pad(x, (pad_w // 2, pad_w - pad_w // 2, pad_h // 2, pad_h - pad_h // 2))
            return F.conv2d(x, self.weight, self.bias, self.stride, 0, 1, self.groups)
        return F.conv2d(x, self.weight, self.bias, self.stride, (pad_h // 2, pad_w // 2), 1, self.groups)


class InvertedBottleneck(nn.Module):
    """Expand, depthwise, project; added to its input where the shapes agree (arXiv 1801.04381)."""

    def __init__(self, channels: tuple[int, int], kernel: int, stride: int, expansion: int) -> None:
        super().__init__()
        inside = channels[0] * expansion
        self.expand = SameConv(channels[0], inside, 1) if expansion != 1 else None
        self.depthwise = SameConv(inside, inside, kernel, stride, groups=inside)
        self.project = SameConv(inside, channels[1], 1)
        self.residual = stride == 1 and channels[0] == channels[1]

    def forward(self, x: Tensor) -> Tensor:
        y = x if self.expand is None else relu6(self.expand(x))
        y = self.project(relu6(self.depthwise(y)))
        return x + y if self.residual else y


class EfficientNetLite0(nn.Module):
    """(B, 3, H, W) pixels, (x - 127) / 128 in RGB -> the last grid and the pooled features."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = SameConv(3, 32, 3, 2)
        blocks: list[nn.Module] = []
        inputs = 32
        for repeats, kernel, stride, expansion, outputs in STAGES:
            for repeat in range(repeats):
                step = stride if repeat == 0 else 1
                blocks.append(InvertedBottleneck((inputs, outputs), kernel, step, expansion))
                inputs = outputs
        self.blocks = nn.Sequential(*blocks)
        self.head = SameConv(GRID_CHANNELS, POOLED_CHANNELS, 1)

    def forward(self, pixels: Tensor) -> tuple[Tensor, Tensor]:
        """Returns the grid (B, 320, H/32, W/32) and the pooled features (B, 1280)."""
        x = relu6(self.stem(pixels.contiguous(memory_format=torch.channels_last)))
        grid = self.blocks(x)
        return grid, relu6(self.head(grid)).mean(dim=(2, 3))


def fold_batch_norm(published: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The published state dict, as `EfficientNetLite0` holds it: BatchNorm folded, classifier left out.

    Raises:
        KeyError: `published` is not EfficientNet-Lite0's state dict.
    """
    folded: dict[str, Tensor] = {}
    for name, convolution, norm in _published_pairs():
        scale = published[f"{norm}.weight"] / torch.sqrt(published[f"{norm}.running_var"] + BATCH_NORM_EPS)
        folded[f"{name}.weight"] = published[f"{convolution}.weight"] * scale[:, None, None, None]
        folded[f"{name}.bias"] = published[f"{norm}.bias"] - published[f"{norm}.running_mean"] * scale
    return folded


def _published_pairs() -> Iterator[tuple[str, str, str]]:
    """Our name, the published convolution's and its BatchNorm's, for every layer."""
    yield "stem", "_conv_stem", "_bn0"
    block = 0
    for repeats, _, _, expansion, _ in STAGES:
        for _ in range(repeats):
            ours, theirs = f"blocks.{block}", f"_blocks.{block}"
            if expansion != 1:
                yield f"{ours}.expand", f"{theirs}._expand_conv", f"{theirs}._bn0"
            yield f"{ours}.depthwise", f"{theirs}._depthwise_conv", f"{theirs}._bn1"
            yield f"{ours}.project", f"{theirs}._project_conv", f"{theirs}._bn2"
            block += 1
    yield "head", "_conv_head", "_bn1"
