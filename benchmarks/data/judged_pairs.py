"""The saved answers of `itemsearch benchmark pairs`: what each method says of pairs and of listings.

K pairs: the true ones, and those that a method chooses or finds not improbable. N listings.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from itemsearch.benchmarks.data.predictions import OURS, PREDICTIONS
from itemsearch.benchmarks.data.true_pairs import TruePairs
from itemsearch.benchmarks.metrics.clusters import LEAST
from itemsearch.errors import CatalogError
from itemsearch.indexes.arrays import Doubles, Ints, Mask

PAIRS = "pairs.parquet"
LISTING, PRODUCT = "listing", "product"
A, B, SAME, LABELLED = "a", "b", "same", "labelled"
PROBABILITY = "probability of "
AUTOMATIC, OFFERED = ", automatic", ", automatic and to review"
"""After the name of one of ours: its tiers. The name alone is its pairs of probability .5 or more."""


@dataclass(frozen=True, slots=True)
class PairAnswers:
    """What a method says. keys: of the pairs that it takes for one product, as `pair_keys` makes them.
    groups: (N,) group numbers."""

    keys: Ints
    groups: Ints


@dataclass(frozen=True, slots=True)
class JudgedPairs:
    """a, b (K,) rows of the listings. same (K,): the truth. labelled (K,): what we were told, which no figure
    of pairs counts. probabilities: of ours, its name to (K,) float64, NaN of pairs that were not compared.
    chosen: method to (K,). products (N,). groups: method to (N,)."""

    a: Ints
    b: Ints
    same: Mask
    labelled: Mask
    probabilities: Mapping[str, Doubles]
    chosen: Mapping[str, Mask]
    products: Ints
    groups: Mapping[str, Ints]

    @classmethod
    def of(
        cls,
        truth: TruePairs,
        compared: Ints,
        probabilities: Mapping[str, Doubles],
        labelled: Ints,
        answers: Mapping[str, PairAnswers],
    ) -> Self:
        """
        Args:
            compared: (P,) keys of the pairs that we compared, ascending. probabilities: each (P,).
            labelled: keys of the pairs whose truth we were told.
        """
        count = len(truth.products)
        probable = [compared[of >= LEAST] for of in probabilities.values()]
        chosen = [method.keys for method in answers.values()]
        keys = np.unique(np.concatenate([truth.keys, labelled, *probable, *chosen]))
        return cls(
            keys // count,
            keys % count,
            np.isin(keys, truth.keys),
            np.isin(keys, labelled),
            {name: _look_up(keys, compared, of) for name, of in probabilities.items()},
            {name: np.isin(keys, method.keys) for name, method in answers.items()},
            truth.products,
            {name: method.groups for name, method in answers.items()},
        )

    def write(self, out: Path) -> None:
        """Writes predictions.parquet, a row a listing, and pairs.parquet, a row a pair."""
        listings = {LISTING: np.arange(len(self.products)), PRODUCT: self.products, **self.groups}
        pairs: dict[str, Any] = {A: self.a, B: self.b, SAME: self.same, LABELLED: self.labelled}
        pairs |= {PROBABILITY + name: of for name, of in self.probabilities.items()}
        for name, columns in ((PREDICTIONS, listings), (PAIRS, {**pairs, **self.chosen})):
            pq.write_table(pa.table(columns), out / name, write_page_checksum=True)

    @classmethod
    def read(cls, out: Path) -> Self:
        """Reads what `write` wrote.

        Raises:
            CatalogError: a file is missing or damaged.
        """
        try:
            listings, pairs = (
                pq.read_table(out / name, page_checksum_verification=True) for name in (PREDICTIONS, PAIRS)
            )
            columns = {
                name: pairs[name].combine_chunks().to_numpy(zero_copy_only=False)
                for name in pairs.column_names
            }
            groups: dict[str, Ints] = {name: listings[name].to_numpy() for name in listings.column_names}
            products = groups.pop(PRODUCT)
            groups.pop(LISTING)
            a, b, same, labelled = (columns.pop(name) for name in (A, B, SAME, LABELLED))
        except (OSError, KeyError, pa.ArrowException) as error:
            raise CatalogError(
                f"{out}: {PREDICTIONS} or {PAIRS}: {error}; run the benchmark again"
            ) from error
        probabilities = {
            name.removeprefix(PROBABILITY): columns.pop(name)
            for name in list(columns)
            if name.startswith(PROBABILITY)
        }
        return cls(a, b, same, labelled, probabilities, columns, products, groups)


def names_of_ours(labels: Sequence[int]) -> list[str]:
    """The names of ours, without labels (0) and with so many."""
    return [f"{OURS}, {count:,} labels" if count else OURS for count in labels]


def _look_up(keys: Ints, known: Ints, values: Doubles) -> Doubles:
    """(K,) the value of each key; NaN where it is not known. known: ascending."""
    found = np.full(len(keys), np.nan)
    if len(known):
        place = np.minimum(np.searchsorted(known, keys), len(known) - 1)
        there = known[place] == keys
        found[there] = values[place[there]]
    return found
