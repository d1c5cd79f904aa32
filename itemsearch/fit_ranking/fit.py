"""Fits the slopes and biases of a ranking to training queries, with torch.

Shapes: N candidates of all queries, K kinds, F features.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor
from torch.nn import functional as F

from itemsearch.indexes.arrays import Floats
from itemsearch.ranking.evidence import IMAGE_PARTS, KINDS, MODALITIES, WORD_POWERS, Evidence
from itemsearch.ranking.ranking import SLOPES, Ranking, bend

RIDGE = 1e-3
PRIOR_SLOPE, PRIOR_COSINE = 4.0, 0.7
"""The ranking of a kind that no training query has: all features weigh alike, and the score is a half where
each is at that cosine."""
LEAST_SPREAD = 1e-3
LEAST_ROOT = 0.1
"""The initial root of a slope whose prior is 0: at 0 it would have no gradient."""
STEPS = 200


@dataclass(frozen=True, slots=True)
class LabelledEvidence:
    """The evidence on a training query and its C candidates, and which of them are the same product.

    same: (C,) bool. A query without a right candidate does not change the order, but shows how similar
    different products can be.
    """

    evidence: Evidence
    same: npt.NDArray[np.bool_]


def fit_ranking(queries: Sequence[LabelledEvidence], features: tuple[str, ...]) -> Ranking:
    """Fits a ranking in two steps.

    The first step fits the order, by the softmax cross-entropy of the right candidates among all candidates
    of a query (ListNet's top one, Cao et al. 2007); each slope is the square of a parameter, so that none is
    negative. The second step fits a slope and a shift for each of the modalities that a pair shares, which
    keep the order and bring the scores close to the share of right candidates (Platt 1999).
    """
    bent, kinds, same = _stacked(queries)
    answerable = [query for query in queries if query.same.any()]
    slopes, shifts = _order(answerable, features)
    biases = shifts - _prior(features).sum(dim=1) * PRIOR_COSINE
    logits = (slopes[kinds] * bent).sum(dim=1) + biases[kinds]
    scaled_as = torch.tensor(MODALITIES)

    def cross_entropy(scaling: Tensor) -> Tensor:
        slope, shift = scaling[scaled_as[kinds]].unbind(dim=1)
        scaled = logits * slope.exp() + shift
        loss = F.binary_cross_entropy_with_logits(scaled, same.double(), reduction="sum")
        return loss / len(queries) + RIDGE * scaling.square().sum()

    scaling = _minimise(cross_entropy, torch.zeros((len(KINDS), 2), dtype=torch.float64))
    slope, shift = scaling[scaled_as].unbind(dim=1)
    slopes, biases = slopes * slope.exp()[:, None], biases * slope.exp() + shift
    curves = slopes.reshape(len(KINDS), len(features), SLOPES).numpy().round(4).tolist()
    return Ranking(
        features,
        {kind: tuple(map(tuple, fitted)) for kind, fitted in zip(KINDS, curves, strict=True)},
        dict(zip(KINDS, biases.numpy().round(4).tolist(), strict=True)),
    )


def _order(queries: Sequence[LabelledEvidence], features: tuple[str, ...]) -> tuple[Tensor, Tensor]:
    """(K, F * SLOPES) the slopes and (K,) the shifts that rank the right candidates first. A shift is 0 for
    a kind that no query has beside another one."""
    bent, kinds, same = _stacked(queries)
    query_of = torch.repeat_interleave(torch.tensor([len(query.same) for query in queries]))  # (N,)
    used = _used(features)  # (K, F * SLOPES)
    # The ridge weighs a slope by how much it moves scores: few candidates come near the last knot.
    spread = bent.std(dim=0).clamp(min=LEAST_SPREAD)
    prior = _prior(features)

    def ranking_loss(parameters: Tensor) -> Tensor:
        slopes, shifts = parameters[:, 1:].square() / spread * used, parameters[:, 0]
        logits = (slopes[kinds] * bent).sum(dim=1) + shifts[kinds]
        every = _logsumexp(logits, query_of, len(queries))
        right = _logsumexp(logits.masked_fill(~same, -1e9), query_of, len(queries))
        ridge = ((slopes - prior) * spread).square().sum() + shifts.square().sum()
        return (every - right).mean() + RIDGE * ridge

    roots = (prior * spread + LEAST_ROOT**2).sqrt()
    parameters = _minimise(ranking_loss, F.pad(roots, (1, 0)))
    slopes, shifts = parameters[:, 1:].square() / spread * used, parameters[:, 0]
    is_fitted = torch.zeros(len(KINDS), dtype=torch.bool).index_fill(0, kinds, True)  # (K,)
    slopes, shifts = torch.where(is_fitted[:, None], slopes, prior), torch.where(is_fitted, shifts, 0.0)
    # A kind that no query has is read as any other of its modalities.
    source = torch.where(is_fitted, torch.arange(len(KINDS)), torch.tensor(MODALITIES))
    return slopes[source], shifts[source]


def _stacked(queries: Sequence[LabelledEvidence]) -> tuple[Tensor, Tensor, Tensor]:
    """(N, F * SLOPES) bent features, (N,) kinds and (N,) whether right, of the candidates of all queries."""
    evidence = bend(np.concatenate([query.evidence.features for query in queries]))
    kinds = np.concatenate([query.evidence.kinds for query in queries])
    same = np.concatenate([query.same for query in queries])
    return torch.from_numpy(evidence).double(), torch.from_numpy(kinds), torch.from_numpy(same)


def _minimise(loss: Callable[[Tensor], Tensor], start: Tensor) -> Tensor:
    """The minimum of a smooth loss, by L-BFGS."""
    place = start.clone().requires_grad_()
    optimizer = torch.optim.LBFGS([place], max_iter=STEPS, line_search_fn="strong_wolfe")

    def closure() -> Tensor:
        optimizer.zero_grad()
        value = loss(place)
        value.backward()  # type: ignore[no-untyped-call]
        return value

    optimizer.step(closure)  # type: ignore[no-untyped-call]
    return place.detach()


def joint(evidence: Evidence) -> Floats:
    """(C,) the joint cosines, for `recall_at_1`."""
    return evidence.joint


def recall_at_1(queries: Sequence[LabelledEvidence], score: Callable[[Evidence], Floats]) -> float:
    """The share of the queries with a right candidate that rank one first.

    Args:
        score: (C,) the scores of a query's candidates, such as `Ranking.score`.
    """
    answerable = [query for query in queries if query.same.any()]
    right = sum(bool(query.same[score(query.evidence).argmax()]) for query in answerable)
    return right / len(answerable)


def _prior(features: tuple[str, ...]) -> Tensor:
    """(K, F * SLOPES) the prior: equally steep straight lines for the features that a kind has."""
    prior = _used(features) * PRIOR_SLOPE
    prior[:, torch.arange(len(prior[0])) % SLOPES != 0] = 0.0
    return prior


def _used(features: tuple[str, ...]) -> Tensor:
    """(K, F * SLOPES) 1 where a kind has the feature, else 0."""
    needs = {**dict.fromkeys(WORD_POWERS, 1), **dict.fromkeys(IMAGE_PARTS, 2)}
    used = [[has & needs.get(name, 0) == needs.get(name, 0) for name in features] for has in MODALITIES]
    return torch.tensor(used, dtype=torch.float64).repeat_interleave(SLOPES, dim=1)


def _logsumexp(values: Tensor, group: Tensor, groups: int) -> Tensor:
    """(groups,) the log-sum-exp of the values of each group."""
    highest = torch.full((groups,), -torch.inf, dtype=values.dtype)
    highest = highest.scatter_reduce(0, group, values.detach(), "amax")
    sums = torch.zeros(groups, dtype=values.dtype).index_add(0, group, torch.exp(values - highest[group]))
    return sums.log() + highest
