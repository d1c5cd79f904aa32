"""Exports a model as OpenVINO graphs; the only step of the OpenVINO encoder that needs torch.

Shapes: B listings, T title tokens, P patches, S = T + P, F features of a patch, D hidden size, H x W pixels.
"""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import openvino as ov
import torch
from openvino.frontend import FrontEndManager
from openvino.frontend.pytorch.ts_decoder import TorchScriptPythonDecoder
from torch import Tensor, nn

from itemsearch.embed.graphs import COLOURS, PICTURES, STREAM, Parts
from itemsearch.embed.torch_encoder import load_model
from itemsearch.model import ITEmModel

HIDDEN = -1e9
"""Added to the attention of what is not to be seen."""


class PictureGraph(nn.Module):
    """What pictures give to the stream, and their image parts where the model has one."""

    def __init__(self, model: ITEmModel) -> None:
        super().__init__()
        self.patches = model.patches
        self.image_skip = model.image_skip

    def forward(self, pixels: Tensor) -> Tensor | tuple[Tensor, Tensor]:
        """(B, H, W, 3) uint8 -> (B, P, F), and (B, image part)."""
        features = self.patches.in_one_pass(_scaled(pixels))
        if self.image_skip is None or features.pooled is None:
            return features.grid
        return features.grid, self.image_skip(features.pooled)


class ColourGraph(nn.Module):
    """Colour histograms of pictures."""

    def __init__(self, colour: nn.Module) -> None:
        super().__init__()
        self.colour = colour

    def forward(self, pixels: Tensor) -> Tensor:
        """(B, H, W, 3) uint8 -> (B, colour part)."""
        histogram: Tensor = self.colour(_scaled(pixels))
        return histogram


class StreamGraph(nn.Module):
    """The stream's part of the embedding."""

    def __init__(self, model: ITEmModel) -> None:
        super().__init__()
        self.model = model

    def forward(self, input_ids: Tensor, stream_mask: Tensor, grid: Tensor) -> Tensor:
        """(B, T) token ids, (B, S) 1 at what attention sees and 0 elsewhere, (B, P, F) -> (B, D)."""
        stream = self.model.embeddings(input_ids, grid, None)  # (B, S, D)
        attention = (1 - stream_mask[:, None, None, :].to(stream.dtype)) * HIDDEN  # (B, S) -> (B, 1, 1, S)
        states = self.model.encoder(stream, attention_mask=attention).last_hidden_state
        return self.model.pool(states, stream_mask)


def export(folder: Path, out: Path) -> None:
    """Writes the graphs and the parts of the model in `folder` into the folder `out`.

    Raises:
        ModelError: the model cannot be loaded.
        OSError: the disk is full, or the files cannot be written.
    """
    model = load_model(folder, str(folder))
    side, patches = model.config.image_size, model.config.num_patches
    pixels = torch.zeros((2, side, side, 3), dtype=torch.uint8)
    picture = ([-1, side, side, 3], ov.Type.u8)
    ids = torch.zeros((2, 3), dtype=torch.int64)
    mask = torch.ones((2, 3 + patches), dtype=torch.int64)
    grid = torch.zeros((2, patches, model.patches.feature_dim))
    whole_grid = ([-1, -1, model.patches.feature_dim], ov.Type.f32)
    numbers = ([-1, -1], ov.Type.i64)
    graphs: Mapping[str, tuple[nn.Module, tuple[Tensor, ...], Sequence[tuple[list[int], ov.Type]]]] = {
        PICTURES: (PictureGraph(model), (pixels,), [picture]),
        STREAM: (StreamGraph(model), (ids, mask, grid), [numbers, numbers, whole_grid]),
    }
    if model.colour is not None:
        graphs = {**graphs, COLOURS: (ColourGraph(model.colour), (pixels,), [picture])}
    for name, (module, example, inputs) in graphs.items():
        ov.save_model(_convert(module, example, inputs), out / name)
    _parts(model).write(out)


def _parts(model: ITEmModel) -> Parts:
    sizes, sketch = model.config.parts, model.lexical
    return Parts(
        sizes=sizes,
        weights=dict(zip(sizes, model.part_weights.exp().tolist(), strict=True)),
        max_tokens=model.config.max_title_tokens,
        side=model.config.image_size,
        patches=model.config.num_patches,
        features=model.patches.feature_dim,
        signs=np.empty((0, 0), np.uint8) if sketch is None else sketch.signs.numpy(),
        buckets=np.empty(0, np.float32) if sketch is None else sketch.weights.numpy(),
    )


def _convert(
    module: nn.Module, example: tuple[Tensor, ...], inputs: Sequence[tuple[list[int], ov.Type]]
) -> ov.Model:
    """Traces and converts a module. `openvino.convert_model` does the same, and sends usage statistics."""
    with torch.inference_mode(), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the tracer warns of branches that the shapes decide
        traced = torch.jit.trace(module.eval(), example, check_trace=False)  # type: ignore[no-untyped-call]
        frontend = FrontEndManager().load_by_framework("pytorch")
        decoder = TorchScriptPythonDecoder(traced, example_input=example)
        graph = frontend.load(decoder)
        places = graph.get_inputs()
        for place, (shape, kind) in zip(places[-len(inputs) :], inputs, strict=True):
            frontend_shape = ov.PartialShape(shape)
            graph.set_partial_shape(place, frontend_shape)
            graph.set_element_type(place, kind)
        return frontend.convert(graph)


def _scaled(pixels: Tensor) -> Tensor:
    """(B, H, W, 3) uint8 -> (B, 3, H, W) as (x - 127) / 128."""
    return (pixels.permute(0, 3, 1, 2).float() - 127) / 128
