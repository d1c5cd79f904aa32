"""Which modality a stream listens to: where [CLS] looks, and which inputs its embedding and losses depend on.

B products, T title tokens ([CLS] and [SEP] included), P patches, S = T + P, H heads, D hidden size.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file
from torch import Tensor

from itemsearch.benchmarks.experiments.reproduction_exam import Listings
from itemsearch.embed.torch_encoder import TorchEncoder
from itemsearch.model import EncoderInput, ITEmForPreTraining, ITEmModel
from itemsearch.model.pretraining import ObjectiveWeights
from itemsearch.pretrain.batches import Collator, TrainingPair
from itemsearch.pretrain.config import MaskingConfig

DIRECTIONS = 8
"""Random directions of the embedding whose gradients are looked at."""


@dataclass(frozen=True, slots=True)
class Listening:
    """Of a stream that reads titles and pictures.

    attention: a row a layer, the shares of its attention that [CLS] pays to itself, words and patches, means
    over heads and products. evenly: the same shares if it paid every state alike. embedding: the share of the
    embedding's gradient that reaches the patches, of what reaches words and patches. losses: so for the
    gradient of each objective, and of the total as "loss".
    """

    attention: Sequence[tuple[float, float, float]]
    evenly: tuple[float, float, float]
    embedding: float
    losses: Mapping[str, float]


def listen(
    encoder: TorchEncoder,
    checkpoint: Path,
    weights: ObjectiveWeights,
    masking: MaskingConfig,
    seen: Listings,
) -> Listening:
    """checkpoint: the training's weights, heads included. seen: B products with title and picture."""
    listing = encoder.processor(seen.titles, seen.images)
    with eager(encoder.model):
        attention, evenly = cls_attention(encoder.model, listing)
    whole = ITEmForPreTraining(encoder.model.config)
    whole.load_state_dict(load_file(checkpoint))
    examples = [
        TrainingPair((title, title), (image, image), seed)
        for seed, (title, image) in enumerate(zip(seen.titles, seen.images, strict=True))
    ]
    batch = Collator(encoder.processor, encoder.model.config.num_patches, masking, contrast=False)(examples)
    title_length = listing.input_ids.shape[1]
    losses = {
        name: patch_share(gradient, title_length)
        for name, gradient in stream_gradients(whole.item, lambda: whole(batch, weights, 1.0))
    }
    return Listening(attention, evenly, embedding_share(encoder.model, listing), losses)


@contextmanager
def eager(model: ITEmModel) -> Iterator[None]:
    """Attention that gives its probabilities, instead of the fused kernel's."""
    before = model.config._attn_implementation
    model.set_attn_implementation("eager")
    try:
        yield
    finally:
        model.set_attn_implementation(before)


@torch.no_grad()
def cls_attention(
    model: ITEmModel, listing: EncoderInput
) -> tuple[list[tuple[float, float, float]], tuple[float, float, float]]:
    """As `Listening.attention` and `Listening.evenly`."""
    probabilities: list[Tensor] = []
    hooks = [
        layer.attention.self.register_forward_hook(
            lambda module, inputs, output: probabilities.append(output[1])
        )
        for layer in model.encoder.layer
    ]
    try:
        model(listing)
    finally:
        for hook in hooks:
            hook.remove()
    title_length = listing.input_ids.shape[1]
    attended = listing.attention_mask.bool()
    patches = probabilities[0].shape[-1] - title_length
    states = torch.cat((attended, attended.new_ones((len(attended), patches))), dim=1).float()  # (B, S)
    evenly = _shares(states / states.sum(dim=1, keepdim=True), title_length)
    # The first state is [CLS]: (B, H, S, S) -> (B, H, S) -> (B, S)
    return [_shares(layer[:, :, 0].mean(dim=1), title_length) for layer in probabilities], evenly


def embedding_share(model: ITEmModel, listing: EncoderInput) -> float:
    """As `Listening.embedding`: a mean over `DIRECTIONS` random directions."""
    generator = torch.Generator().manual_seed(0)
    directions = torch.randn((DIRECTIONS, model.config.embedding_dim), generator=generator)

    def towards() -> dict[str, Tensor]:
        embedding = model(listing).embedding  # (B, E)
        return {str(number): (embedding @ way).sum() for number, way in enumerate(directions)}

    length = listing.input_ids.shape[1]
    shares = [patch_share(gradient, length) for _, gradient in stream_gradients(model, towards)]
    return sum(shares) / len(shares)


def stream_gradients(
    model: ITEmModel, run: Callable[[], Mapping[str, Tensor]]
) -> Iterator[tuple[str, Tensor]]:
    """The gradient (B, S, D) of each of the values that `run` gives, at what goes into the first layer."""
    entered: list[Tensor] = []

    def keep(module: Any, inputs: Any, output: Tensor) -> None:
        entered.append(output)

    hook = model.embeddings.register_forward_hook(keep)
    try:
        values = run()
    finally:
        hook.remove()
    for name, value in values.items():
        (gradient,) = torch.autograd.grad(value, entered[0], retain_graph=True)
        yield name, gradient


def patch_share(gradient: Tensor, title_length: int) -> float:
    """How much of (B, S, D) lies at the patches: its norm there, of the sum of that and its norm at words."""
    words, patches = gradient[:, 1:title_length].norm(), gradient[:, title_length:].norm()
    return float(patches / (words + patches).clamp(min=1e-30))


def _shares(weights: Tensor, title_length: int) -> tuple[float, float, float]:
    """(B, S) weights that sum to 1 -> the mean share of [CLS], of the words and of the patches."""
    mean = weights.mean(dim=0)
    return float(mean[0]), float(mean[1:title_length].sum()), float(mean[title_length:].sum())
