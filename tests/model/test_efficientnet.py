from __future__ import annotations

import torch
from torch import nn
from torch.nn import functional as F

from itemsearch.model.efficientnet import STAGES, EfficientNetLite0, SameConv, fold_batch_norm


def published_state(seed: int) -> dict[str, torch.Tensor]:
    """A state dict with the published names and shapes, and BatchNorm statistics that matter."""
    generator = torch.Generator().manual_seed(seed)
    state: dict[str, torch.Tensor] = {}

    def layer(convolution: str, norm: str, inputs: int, outputs: int, kernel: int, groups: int = 1) -> None:
        shape = (outputs, inputs // groups, kernel, kernel)
        state[f"{convolution}.weight"] = (
            torch.randn(shape, generator=generator) * (shape[1] * kernel**2) ** -0.5
        )
        for part, low in (("weight", 0.5), ("bias", -0.2), ("running_mean", -0.2), ("running_var", 0.5)):
            state[f"{norm}.{part}"] = torch.rand(outputs, generator=generator) + low

    layer("_conv_stem", "_bn0", 3, 32, 3)
    block, inputs = 0, 32
    for repeats, kernel, _, expansion, outputs in STAGES:
        for _ in range(repeats):
            name, inside = f"_blocks.{block}", inputs * expansion
            if expansion != 1:
                layer(f"{name}._expand_conv", f"{name}._bn0", inputs, inside, 1)
            layer(f"{name}._depthwise_conv", f"{name}._bn1", inside, inside, kernel, inside)
            layer(f"{name}._project_conv", f"{name}._bn2", inside, outputs, 1)
            block, inputs = block + 1, outputs
    layer("_conv_head", "_bn1", 320, 1280, 1)
    return state


def slow_forward(state: dict[str, torch.Tensor], x: torch.Tensor) -> torch.Tensor:
    """The published network a layer at a time, BatchNorm unfolded."""

    def layer(x: torch.Tensor, convolution: str, norm: str, stride: int = 1, groups: int = 1) -> torch.Tensor:
        weight = state[f"{convolution}.weight"]
        total = max((-(-x.shape[-1] // stride) - 1) * stride + weight.shape[-1] - x.shape[-1], 0)
        x = F.conv2d(F.pad(x, [total // 2, total - total // 2] * 2), weight, stride=stride, groups=groups)
        parts = (state[f"{norm}.{part}"] for part in ("running_mean", "running_var", "weight", "bias"))
        return F.batch_norm(x, *parts, eps=1e-3)

    x = F.relu6(layer(x, "_conv_stem", "_bn0", 2))
    block = 0
    for repeats, _, stride, expansion, outputs in STAGES:
        for repeat in range(repeats):
            name, y = f"_blocks.{block}", x
            if expansion != 1:
                y = F.relu6(layer(y, f"{name}._expand_conv", f"{name}._bn0"))
            step = stride if repeat == 0 else 1
            y = F.relu6(layer(y, f"{name}._depthwise_conv", f"{name}._bn1", step, y.shape[1]))
            y = layer(y, f"{name}._project_conv", f"{name}._bn2")
            x = x + y if step == 1 and x.shape[1] == outputs else y
            block += 1
    return F.relu6(layer(x, "_conv_head", "_bn1")).mean(dim=(2, 3))


def test_folded_weights_compute_what_the_published_network_does() -> None:
    state = published_state(0)
    network = EfficientNetLite0()
    network.load_state_dict(fold_batch_norm(state))
    pixels = torch.randn(2, 3, 64, 64)
    with torch.no_grad():
        grid, pooled = network(pixels)
        torch.testing.assert_close(pooled, slow_forward(state, pixels), atol=1e-4, rtol=1e-3)
    assert grid.shape == (2, 320, 2, 2)


def test_same_padding_puts_the_odd_pixel_right_and_below() -> None:
    convolution = SameConv(1, 1, 3, 2)
    nn.init.ones_(convolution.weight)
    nn.init.zeros_(convolution.bias)
    out = convolution(torch.arange(16.0).reshape(1, 1, 4, 4))
    # The window of the last output ends one pixel past the picture; that of the first starts on it.
    assert out.flatten().tolist() == [45.0, 39.0, 66.0, 50.0]
