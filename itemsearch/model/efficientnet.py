"""EfficientNet-Lite0's feature extractor (arXiv 1905.11946; the Lite variants drop squeeze-and-excite).

BatchNorm in inference is an affine map of a convolution's output, so `fold_batch_norm` folds the published
weights into plain convolutions: fewer passes over memory, and no difference between training and inference.

Shapes: B pictures, C and C' channels in and out of a layer, H x W pixels.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import torch
from torch import Tensor, nn
from torch.nn import functional as F

GRID_CHANNELS = 320
POOLED_CHANNELS = 1280
BATCH_NORM_EPS = 1e-3

# (repeats, kernel, stride, expansion, output channels) of each stage (arXiv 1905.11946, table 1)
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
    """ReLU6, computed in place: the convolutions are limited by memory, and this halves its traffic."""
    return F.relu6(x, inplace=True)


class SameConv(nn.Conv2d):
    """A convolution with TensorFlow's "SAME" padding: an odd pixel is added on the right and below."""

    def forward(self, x: Tensor) -> Tensor:
        """(B, C, H, W) -> (B, C', ceil(H / stride), ceil(W / stride))."""
        kernel, stride = self.kernel_size[0], self.stride[0]
        height, width = x.shape[-2:]
        pad_h = max((-(-height // stride) - 1) * stride + kernel - height, 0)
        pad_w = max((-(-width // stride) - 1) * stride + kernel - width, 0)
        if pad_h % 2 or pad_w % 2:
            x = F.pad(x, (pad_w // 2, pad_w - pad_w // 2, pad_h // 2, pad_h - pad_h // 2))
            return F.conv2d(x, self.weight, self.bias, self.stride, 0, 1, self.groups)
        return F.conv2d(x, self.weight, self.bias, self.stride, (pad_h // 2, pad_w // 2), 1, self.groups)


class InvertedBottleneck(nn.Module):
    """Expansion, depthwise convolution and projection, with a residual connection where the shapes agree.

    From MobileNetV2 (arXiv 1801.04381).
    """

    def __init__(self, channels: tuple[int, int], kernel: int, stride: int, expansion: int) -> None:
        super().__init__()
        inputs, outputs = channels
        expanded = inputs * expansion
        self.expand = SameConv(inputs, expanded, 1) if expansion != 1 else None
        self.depthwise = SameConv(expanded, expanded, kernel, stride, groups=expanded)
        self.project = SameConv(expanded, outputs, 1)
        self.residual = stride == 1 and inputs == outputs

    def forward(self, x: Tensor) -> Tensor:
        """(B, C, H, W) -> (B, C', ceil(H / stride), ceil(W / stride))."""
        y = x if self.expand is None else relu6(self.expand(x))
        y = self.project(relu6(self.depthwise(y)))
        return x + y if self.residual else y


class EfficientNetLite0(nn.Module):
    """The network without its classifier."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = SameConv(3, 32, 3, 2)
        blocks: list[nn.Module] = []
        inputs = 32
        for repeats, kernel, stride, expansion, outputs in STAGES:
            for repeat in range(repeats):
                block_stride = stride if repeat == 0 else 1
                blocks.append(InvertedBottleneck((inputs, outputs), kernel, block_stride, expansion))
                inputs = outputs
        self.blocks = nn.Sequential(*blocks)
        self.head = SameConv(GRID_CHANNELS, POOLED_CHANNELS, 1)

    def forward(self, pixels: Tensor) -> tuple[Tensor, Tensor]:
        """(B, 3, H, W) RGB pixels as (x - 127) / 128 -> last grid (B, 320, H/32, W/32), pooled (B, 1280)."""
        x = relu6(self.stem(pixels.contiguous(memory_format=torch.channels_last)))
        grid = self.blocks(x)
        return grid, relu6(self.head(grid)).mean(dim=(2, 3))  # (B, 1280, H/32, W/32) -> (B, 1280)


def fold_batch_norm(published: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The state dict of `EfficientNetLite0`: the published one with BatchNorm folded in, without classifier.

    Raises:
        KeyError: `published` is not EfficientNet-Lite0's state dict.
    """
    folded: dict[str, Tensor] = {}
    for name, convolution, norm in _layer_names():
        scale = published[f"{norm}.weight"] / torch.sqrt(published[f"{norm}.running_var"] + BATCH_NORM_EPS)
        folded[f"{name}.weight"] = published[f"{convolution}.weight"] * scale[:, None, None, None]
        folded[f"{name}.bias"] = published[f"{norm}.bias"] - published[f"{norm}.running_mean"] * scale
    return folded


def _layer_names() -> Iterator[tuple[str, str, str]]:
    """(our name, published name of the convolution, published name of its BatchNorm) of every layer."""
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
