"""Fits a ranking to questions whose answers are known."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor
from torch.nn import functional as F

from itemsearch.ranking.evidence import IMAGE_PARTS, KINDS, WORD_POWERS, Evidence
from itemsearch.ranking.ranking import SLOPES, Ranking, bend

RIDGE = 1e-3
PRIOR_SLOPE, PRIOR_COSINE = 4.0, 0.7
"""A kind that no question is of keeps this: each piece of evidence counts alike, and speaks for the same
product above that cosine."""
LEAST_SPREAD = 1e-3
LEAST_ROOT = 0.1
"""Where the root of a slope starts whose prior is 0: at 0 it would have no gradient."""
STEPS = 200


@dataclass(frozen=True, slots=True)
class Question:
    """The evidence of a query against its C candidates, and which of them are right: same (C,) bool.

    None is where a listing has no second one: from those nothing is learnt of the order, and much of how
    alike two different products can be.
    """

    evidence: Evidence
    same: npt.NDArray[np.bool_]


def fit_ranking(questions: Sequence[Question], features: tuple[str, ...]) -> Ranking:
    """The curves under which the right candidates come first, and are as sure as they are often right.

    First the order, by the softmax cross-entropy of the right candidates among all of a question (ListNet's
    top one, Cao et al. 2007), its slopes the squares of what is fitted, so that none falls; then, for each
    kind, a slope and a shift that leave the order as it is and make the scores probabilities (Platt 1999).
    """
    pieces, kinds, same = _stacked(questions)
    answered = [question for question in questions if question.same.any()]
    slopes = _order(answered, features)
    biases = -_prior(features).sum(dim=1) * PRIOR_COSINE
    logits = (slopes[kinds] * pieces).sum(dim=1) + biases[kinds]

    def unsure(scaling: Tensor) -> Tensor:
        slope, shift = scaling[kinds].unbind(dim=1)
        scaled = logits * slope.exp() + shift
        wrong = F.binary_cross_entropy_with_logits(scaled, same.double(), reduction="sum")
        return wrong / len(questions) + RIDGE * scaling.square().sum()

    slope, shift = _minimise(unsure, torch.zeros((len(KINDS), 2), dtype=torch.float64)).unbind(dim=1)
    slopes, biases = slopes * slope.exp()[:, None], biases * slope.exp() + shift
    curves = slopes.reshape(len(KINDS), len(features), SLOPES).numpy().round(4).tolist()
    return Ranking(
        features,
        {kind: tuple(map(tuple, fitted)) for kind, fitted in zip(KINDS, curves, strict=True)},
        dict(zip(KINDS, biases.numpy().round(4).tolist(), strict=True)),
    )


def _order(questions: Sequence[Question], features: tuple[str, ...]) -> Tensor:
    """(K, F * SLOPES) slopes under which the right candidates come first."""
    pieces, kinds, same = _stacked(questions)
    of = torch.repeat_interleave(torch.tensor([len(question.same) for question in questions]))
    used = _used(features)  # (K, F * SLOPES)
    # A slope counts in the ridge by what it moves a score: few candidates come near the last knot.
    spread = pieces.std(dim=0).clamp(min=LEAST_SPREAD)
    prior = _prior(features)

    def misordered(roots: Tensor) -> Tensor:
        slopes = roots.square() / spread * used
        logits = (slopes[kinds] * pieces).sum(dim=1)
        every = _logsumexp(logits, of, len(questions))
        right = _logsumexp(logits.masked_fill(~same, -1e9), of, len(questions))
        return (every - right).mean() + RIDGE * ((slopes - prior) * spread).square().sum()

    roots = _minimise(misordered, (prior * spread + LEAST_ROOT**2).sqrt())
    asked = torch.zeros(len(KINDS), dtype=torch.bool).index_fill(0, kinds, True)
    return torch.where(asked[:, None], roots.square() / spread * used, prior)


def _stacked(questions: Sequence[Question]) -> tuple[Tensor, Tensor, Tensor]:
    """(N, F * SLOPES) pieces of evidence, (N,) kinds and (N,) whether right, of all candidates of all."""
    evidence = bend(np.concatenate([question.evidence.features for question in questions]))
    kinds = np.concatenate([question.evidence.kinds for question in questions])
    same = np.concatenate([question.same for question in questions])
    return torch.from_numpy(evidence).double(), torch.from_numpy(kinds), torch.from_numpy(same)


def _minimise(loss: Callable[[Tensor], Tensor], start: Tensor) -> Tensor:
    """Where a smooth convex `loss` is least."""
    place = start.clone().requires_grad_()
    optimizer = torch.optim.LBFGS([place], max_iter=STEPS, line_search_fn="strong_wolfe")

    def closure() -> Tensor:
        optimizer.zero_grad()
        value = loss(place)
        value.backward()  # type: ignore[no-untyped-call]
        return value

    optimizer.step(closure)  # type: ignore[no-untyped-call]
    return place.detach()


def recall_at_1(questions: Sequence[Question], ranking: Ranking | None) -> float:
    """The share of those with a right candidate that have it first; by the joint cosine without a ranking."""
    answered = [question for question in questions if question.same.any()]
    right = 0
    for question in answered:
        evidence = question.evidence
        scores = evidence.joint if ranking is None else ranking.score(evidence)
        right += bool(question.same[scores.argmax()])
    return right / len(answered)


def _prior(features: tuple[str, ...]) -> Tensor:
    """(K, F * SLOPES) straight lines, equally steep, for what a kind has."""
    prior = _used(features) * PRIOR_SLOPE
    prior[:, torch.arange(len(prior[0])) % SLOPES != 0] = 0.0
    return prior


def _used(features: tuple[str, ...]) -> Tensor:
    """(K, F * SLOPES) ones where a kind has the feature."""
    needs = {**dict.fromkeys(WORD_POWERS, 1), **dict.fromkeys(IMAGE_PARTS, 2)}
    # Kind 1 is "title", 2 "image", 3 both: a bit each.
    used = [
        [kind & needs.get(name, 0) == needs.get(name, 0) for name in features] for kind in range(len(KINDS))
    ]
    return torch.tensor(used, dtype=torch.float64).repeat_interleave(SLOPES, dim=1)


def _logsumexp(values: Tensor, group: Tensor, groups: int) -> Tensor:
    """(groups,) of the values of each group."""
    highest = torch.full((groups,), -torch.inf, dtype=values.dtype)
    highest = highest.scatter_reduce(0, group, values.detach(), "amax")
    sums = torch.zeros(groups, dtype=values.dtype).index_add(0, group, torch.exp(values - highest[group]))
    return sums.log() + highest
