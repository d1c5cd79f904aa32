"""The relisting contrast over more products than fit into memory at once: gradient caching.

Each small batch is embedded without a graph; the contrast of all of them together gives the gradient of every
embedding; each small batch is then embedded again, with a graph, and takes up its share (Gao et al. 2021,
arXiv 2101.06983). It costs one more forward pass.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from itemsearch.model.pretraining import ITEmForPreTraining, PretrainBatch
from itemsearch.objectives.relisting import relisting_loss


@dataclass(frozen=True, slots=True)
class ContrastGradient:
    """What the contrast of all small batches asks of one: its loss, and (B, E) gradients of both listings.

    random_state: of the generators when the batch was embedded, so that dropout is the same again.
    """

    loss: Tensor
    first: Tensor
    second: Tensor
    random_state: tuple[Tensor, ...]

    def attach(self, first: Tensor, second: Tensor) -> Tensor:
        """The loss, whose gradient reaches the weights through (B, E) embeddings made with a graph."""
        pull = (first * self.first).sum() + (second * self.second).sum()
        return pull + (self.loss - pull).detach()


def cache_contrast(
    model: ITEmForPreTraining, batches: Sequence[PretrainBatch], temperature: float
) -> list[ContrastGradient]:
    """One for each of the batches, which all have second listings."""
    states, firsts, seconds = [], [], []
    for batch in batches:
        assert batch.second is not None, "the contrast needs two listings"
        states.append(random_state())
        with torch.no_grad():
            firsts.append(model.item(batch.first).embedding)
            seconds.append(model.item(batch.second).embedding)
    first, second = torch.cat(firsts).requires_grad_(), torch.cat(seconds).requires_grad_()
    matched = torch.cat([batch.matched for batch in batches])
    with torch.enable_grad():
        loss = relisting_loss(first, second, matched, temperature)
        gradients = torch.autograd.grad(loss, (first, second))
    sizes = [len(part) for part in firsts]
    shares = zip(*(torch.split(gradient, sizes) for gradient in gradients), strict=True)
    # Accumulated losses are averaged over the batches; this one belongs to all of them together.
    return [
        ContrastGradient(loss.detach(), of_first * len(batches), of_second * len(batches), state)
        for (of_first, of_second), state in zip(shares, states, strict=True)
    ]


def random_state() -> tuple[Tensor, ...]:
    """Of the CPU's generator and every GPU's."""
    return (torch.get_rng_state(), *torch.cuda.get_rng_state_all())


def set_random_state(state: tuple[Tensor, ...]) -> None:
    """As `random_state` gave it."""
    torch.set_rng_state(state[0])
    torch.cuda.set_rng_state_all(list(state[1:]))
