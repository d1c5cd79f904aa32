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
from itemsearch.ranking.ranking import Ranking

RIDGE = 1e-3
PRIOR_SLOPE, PRIOR_COSINE = 4.0, 0.7
"""A kind that no question is of keeps this: each piece of evidence counts alike, and speaks for the same
product above that cosine."""
STEPS = 200


@dataclass(frozen=True, slots=True)
class Question:
    """The evidence of a query against its C candidates, and which of them are right: same (C,) bool."""

    evidence: Evidence
    same: npt.NDArray[np.bool_]


def fit_ranking(questions: Sequence[Question], features: tuple[str, ...]) -> Ranking:
    """The weights under which the right candidates come first, and are as sure as they are often right.

    First the order, by the softmax cross-entropy of the right candidates among all of a question (ListNet's
    top one, Cao et al. 2007); then, for each kind, a slope and a shift that leave it as it is and make the
    scores probabilities (Platt 1999).
    """
    prior, used = _prior(features)
    evidence = torch.from_numpy(np.concatenate([question.evidence.features for question in questions]))
    evidence = F.pad(evidence.double(), (0, 1), value=1.0)  # (N, F) -> (N, F + 1)
    kinds = torch.from_numpy(np.concatenate([question.evidence.kinds for question in questions]))
    same = torch.from_numpy(np.concatenate([question.same for question in questions]))
    of = torch.repeat_interleave(torch.tensor([len(question.same) for question in questions]))

    def misordered(weights: Tensor) -> Tensor:
        logits = ((weights * used)[kinds] * evidence).sum(dim=1)
        every = _logsumexp(logits, of, len(questions))
        right = _logsumexp(logits.masked_fill(~same, -1e9), of, len(questions))
        return (every - right).mean() + RIDGE * (weights - prior).square().sum()

    weights = _minimise(misordered, prior) * used
    logits = (weights[kinds] * evidence).sum(dim=1)

    def unsure(scaling: Tensor) -> Tensor:
        slope, shift = scaling[kinds].unbind(dim=1)
        scaled = logits * slope.exp() + shift
        wrong = F.binary_cross_entropy_with_logits(scaled, same.double(), reduction="sum")
        return wrong / len(questions) + RIDGE * scaling.square().sum()

    slope, shift = _minimise(unsure, torch.zeros((len(KINDS), 2), dtype=torch.float64)).unbind(dim=1)
    weights = weights * slope.exp()[:, None]
    weights[:, -1] += shift
    fitted = weights.numpy().round(4).tolist()
    return Ranking(features, dict(zip(KINDS, map(tuple, fitted), strict=True)))


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
    """The share of questions whose first candidate is right; ranked by the joint cosine without a ranking."""
    right = 0
    for question in questions:
        evidence = question.evidence
        scores = evidence.joint if ranking is None else ranking.score(evidence)
        right += bool(question.same[scores.argmax()])
    return right / len(questions)


def _prior(features: tuple[str, ...]) -> tuple[Tensor, Tensor]:
    """(K, F + 1) weights to start from, and ones where a kind has the feature, a bias always."""
    needs = {**dict.fromkeys(WORD_POWERS, 1), **dict.fromkeys(IMAGE_PARTS, 2)}
    # Kind 1 is "title", 2 "image", 3 both: a bit each.
    used = [
        [kind & needs.get(name, 0) == needs.get(name, 0) for name in features] for kind in range(len(KINDS))
    ]
    mask = torch.tensor(used, dtype=torch.float64)
    slopes = mask * PRIOR_SLOPE
    bias = -slopes.sum(dim=1, keepdim=True) * PRIOR_COSINE
    return torch.cat((slopes, bias), dim=1), F.pad(mask, (0, 1), value=1.0)


def _logsumexp(values: Tensor, group: Tensor, groups: int) -> Tensor:
    """(groups,) of the values of each group."""
    highest = torch.full((groups,), -torch.inf, dtype=values.dtype)
    highest = highest.scatter_reduce(0, group, values.detach(), "amax")
    sums = torch.zeros(groups, dtype=values.dtype).index_add(0, group, torch.exp(values - highest[group]))
    return sums.log() + highest
