"""Precision, recall and F1 of a set of pairs against the pairs that are true.

A worked example: true groups {a, b, c} and {d}, found pairs (a, b) and (c, d). The true pairs are (a, b),
(a, c) and (b, c). One of two found pairs is right: precision 1/2. One of three true pairs is found: recall
1/3. F1 is 2 * 1/2 * 1/3 / (1/2 + 1/3) = 2/5.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import combinations

import pyarrow as pa

from itemsearch.columns import no_column
from itemsearch.errors import MissingColumnError

PAIR_COLUMNS = ("id_a", "id_b")
GROUP_COLUMNS = ("id", "group")

Pairs = frozenset[tuple[str, str]]
"""Pairs of ids, the lower id first."""


@dataclass(frozen=True, slots=True)
class PairTruth:
    """Counts of pairs. right: of the found pairs, those that are true."""

    found: int
    true: int
    right: int

    @property
    def precision(self) -> float:
        """The share of the found pairs that are true; 1 without found pairs."""
        return self.right / self.found if self.found else 1.0

    @property
    def recall(self) -> float:
        """The share of the true pairs that are found; 1 without true pairs."""
        return self.right / self.true if self.true else 1.0

    @property
    def f1(self) -> float:
        """The harmonic mean of precision and recall; 1 where no pair is found and none is true."""
        return 2 * self.right / (self.found + self.true) if self.found + self.true else 1.0


def pair_truth(found: Pairs, true: Pairs) -> PairTruth:
    """Compares found pairs with the true ones; every other pair is two products."""
    return PairTruth(len(found), len(true), len(found & true))


def unordered(pairs: Iterable[tuple[str, str]]) -> Pairs:
    """The pairs of two different ids, each once in whichever order it is given."""
    return frozenset((min(a, b), max(a, b)) for a, b in pairs if a != b)


def true_pairs(labels: pa.Table, path: str) -> Pairs:
    """The pairs of one product in labels: of `id_a`, `id_b` and maybe `same`, or all pairs of each `group`.

    Args:
        labels: columns id_a and id_b, or id and group. Where there is a column same, pairs whose cell is
            false, no or 0 are two products.
        path: names the labels in errors.

    Raises:
        MissingColumnError: a column is missing.
    """
    names = labels.column_names
    wanted = PAIR_COLUMNS if PAIR_COLUMNS[0] in names else GROUP_COLUMNS
    for name in wanted:
        if name not in names:
            problem = no_column(names, name)
            raise MissingColumnError(f"{path}: {problem}: truth has id_a and id_b, or id and group")
    first, second = (labels[name].cast(pa.string()).to_pylist() for name in wanted)
    if wanted == PAIR_COLUMNS:
        same = labels["same"].cast(pa.string()).to_pylist() if "same" in names else ["true"] * len(first)
        kept = (str(each).strip().casefold() not in ("false", "no", "0") for each in same)
        return unordered((a, b) for a, b, keep in zip(first, second, kept, strict=True) if keep)
    members: dict[str, list[str]] = defaultdict(list)
    for id, group in zip(first, second, strict=True):
        members[group].append(id)
    return unordered(pair for ids in members.values() for pair in combinations(ids, 2))
