"""Labelled pairs, in two parts that share no product.

Shapes: P pairs that the join proposes and labels know, F features, N numbers of products.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from hashlib import blake2b

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from itemsearch.duplicates.calibrate.labels import UNKNOWN, Labels
from itemsearch.duplicates.pairs.decide import features, margins
from itemsearch.indexes.arrays import Doubles, Ints, Mask

ACROSS = 2.0
"""What a pair of two products weighs: with half of the products in each part, half of the pairs of one
product are in either, and a quarter of those of two."""
RESAMPLES = 200


@dataclass(frozen=True, slots=True)
class Sample:
    """found (P, F): features. same (P,). conflict (P,): the variant guard's. products (P, 2): of either
    listing, as numbers below N. true (N,): pairs of each that are one product, proposed or not.
    """

    found: Doubles
    same: Mask
    conflict: Mask
    products: Ints
    true: Ints

    @property
    def weights(self) -> Doubles:
        return np.where(self.same, 1.0, ACROSS)

    def and_then(self, other: Sample) -> Sample:
        """Both; the other's pairs come after."""
        return Sample(
            np.concatenate([self.found, other.found]),
            np.concatenate([self.same, other.same]),
            np.concatenate([self.conflict, other.conflict]),
            np.concatenate([self.products, other.products]),
            self.true + other.true,
        )

    def resampled(self, seed: int) -> Iterator[tuple[Doubles, float]]:
        """`RESAMPLES` times as many products, drawn with replacement.

        Yields:
            (P,) the weight of each pair, which is there as often as both of its products are; and how many
            pairs of one product there are.
        """
        present, places = np.unique(self.products, return_inverse=True)
        places = places.reshape(self.products.shape)
        true = self.true[present]
        rest = self.true.sum() - true.sum()  # of products that have no pair among ours
        rng = np.random.default_rng(seed)
        for _ in range(RESAMPLES):
            drawn = rng.multinomial(len(present), np.full(len(present), 1 / len(present)))
            times = np.where(self.same, drawn[places[:, 0]], drawn[places].prod(axis=1))
            yield self.weights * times, float(drawn @ true + rest)


def split(pairs: pa.Table, labels: Labels, products: pa.Table) -> tuple[Sample, Sample]:
    """The labelled among the pairs, in two parts that share no product; pairs across are in neither.

    A product's part is told by its first listing's id, so that more labels move no product to the other.
    """
    a, b = pairs["row_a"].to_numpy(), pairs["row_b"].to_numpy()
    known, same = labels.judge(a, b)
    of = np.stack([labels.product[a], labels.product[b]], axis=1)
    known &= (of[:, 0] != of[:, 1]) | same  # a contradiction: said to be two, and one by way of others
    found = features(pairs, margins(pairs))
    conflict = pc.list_value_length(pairs["conflicts"]).to_numpy() > 0
    sides = _sides(labels, products)
    true = labels.same_pairs()

    def part(side: int) -> Sample:
        kept = known & (sides[of] == side).all(axis=1)
        return Sample(found[kept], same[kept], conflict[kept], of[kept], np.where(sides == side, true, 0))

    return part(0), part(1)


def _sides(labels: Labels, products: pa.Table) -> Ints:
    """(N,) 0 or 1 for each product's number, -1 for numbers of none."""
    known = np.flatnonzero(labels.product != UNKNOWN)
    first: dict[int, str] = {}
    ids = products["id"].take(pa.array(known)).to_pylist()
    for number, id in zip(labels.product[known].tolist(), ids, strict=True):
        first[number] = min(id, first.get(number, id))
    sides = np.full(len(labels.product), -1)
    for number, id in first.items():
        sides[number] = blake2b(id.encode(), digest_size=1).digest()[0] % 2
    return sides
