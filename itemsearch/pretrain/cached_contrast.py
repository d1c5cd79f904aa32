"""Gradient caching: the relisting contrast over more products than fit into memory at once.

Each batch is embedded without a graph; the contrast over all batches gives the gradient of every embedding;
each batch is then embedded again, with a graph, and its gradients are propagated (Gao et al. 2021,
arXiv 2101.06983). The price is one more forward pass.

Shapes: B products of a batch, E embedding size.
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
    """The loss of the contrast over all batches, and its gradients with respect to one batch's embeddings.

    loss: scalar, the same for all batches.
    first, second: (B, E) gradients of the first and of the second listings' embeddings.
    random_state: state of the generators before the batch was embedded, so that dropout can be repeated.
    """

    loss: Tensor
    first: Tensor
    second: Tensor
    random_state: tuple[Tensor, ...]

    def attach(self, first: Tensor, second: Tensor) -> Tensor:
        """A scalar of the value of `loss`, whose gradient flows through (B, E) embeddings with a graph."""
        surrogate = (first * self.first).sum() + (second * self.second).sum()
        return surrogate + (self.loss - surrogate).detach()


def cache_contrast(
    model: ITEmForPreTraining, batches: Sequence[PretrainBatch], temperature: float
) -> list[ContrastGradient]:
    """The contrast over all `batches`, which must have second listings; one result a batch."""
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
    sizes = [len(embeddings) for embeddings in firsts]
    by_batch = zip(*(torch.split(gradient, sizes) for gradient in gradients), strict=True)
    # Gradient accumulation divides by the number of batches, but this loss is one for all of them.
    return [
        ContrastGradient(loss.detach(), first_gradient * len(batches), second_gradient * len(batches), state)
        for (first_gradient, second_gradient), state in zip(by_batch, states, strict=True)
    ]


def random_state() -> tuple[Tensor, ...]:
    """The states of the CPU's random generator and of every GPU's, in this order."""
    return (torch.get_rng_state(), *torch.cuda.get_rng_state_all())


def set_random_state(state: tuple[Tensor, ...]) -> None:
    """Restores a result of `random_state`."""
    torch.set_rng_state(state[0])
    torch.cuda.set_rng_state_all(list(state[1:]))
