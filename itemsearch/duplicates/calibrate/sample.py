"""Splits labelled pairs into two samples that share no product.

Shapes: P pairs that the join proposes and that have a label, F features, N numbers of products.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from hashlib import blake2b

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from itemsearch.duplicates.calibrate.labels import UNKNOWN, DuplicateLabels
from itemsearch.duplicates.pairs.decide import features, margins
from itemsearch.indexes.arrays import Doubles, Ints, Mask

ACROSS = 2.0
"""The weight of a pair of two products: with half of the products in each sample, each has half of the pairs
of one product, but only a quarter of the pairs of two."""
RESAMPLES = 200


@dataclass(frozen=True, slots=True)
class Sample:
    """Labelled pairs.

    features: (P, F). same: (P,) whether each pair is one product. conflict: (P,) whether the variant rules
    find a conflict. products: (P, 2) the product of either listing, as numbers below N. true: (N,) how many
    pairs of each product there are, proposed or not.
    """

    features: Doubles
    same: Mask
    conflict: Mask
    products: Ints
    true: Ints

    @property
    def weights(self) -> Doubles:
        """(P,) 1 for pairs of one product, `ACROSS` for the others."""
        return np.where(self.same, 1.0, ACROSS)

    def joined(self, other: Sample) -> Sample:
        """The pairs of both samples, the other's last."""
        return Sample(
            np.concatenate([self.features, other.features]),
            np.concatenate([self.same, other.same]),
            np.concatenate([self.conflict, other.conflict]),
            np.concatenate([self.products, other.products]),
            self.true + other.true,
        )

    def resampled(self, seed: int) -> Iterator[tuple[Doubles, float]]:
        """Draws as many products with replacement, `RESAMPLES` times: the bootstrap.

        Yields:
            (P,) the weight of each pair, which occurs as often as both of its products do together; and the
            number of pairs of one product.
        """
        present, places = np.unique(self.products, return_inverse=True)
        places = places.reshape(self.products.shape)
        true = self.true[present]
        rest = self.true.sum() - true.sum()  # of products without a pair in the sample
        rng = np.random.default_rng(seed)
        for _ in range(RESAMPLES):
            drawn = rng.multinomial(len(present), np.full(len(present), 1 / len(present)))
            times = np.where(self.same, drawn[places[:, 0]], drawn[places].prod(axis=1))
            yield self.weights * times, float(drawn @ true + rest)


def split(pairs: pa.Table, labels: DuplicateLabels, listings: pa.Table) -> tuple[Sample, Sample]:
    """Splits the labelled pairs into two samples that share no product; pairs across are in neither.

    The sample of a product follows from the id of its first listing, so that more labels move no product from
    one to the other.
    """
    a, b = pairs["row_a"].to_numpy(), pairs["row_b"].to_numpy()
    known, same = labels.judge(a, b)
    products = np.stack([labels.product[a], labels.product[b]], axis=1)
    known &= (
        products[:, 0] != products[:, 1]
    ) | same  # a contradiction: labelled as two, and as one by way of others
    pair_features = features(pairs, margins(pairs))
    conflict = pc.list_value_length(pairs["conflicts"]).to_numpy() > 0
    sides = _sides(labels, listings)
    true = labels.same_pairs()

    def part(side: int) -> Sample:
        kept = known & (sides[products] == side).all(axis=1)
        return Sample(
            pair_features[kept], same[kept], conflict[kept], products[kept], np.where(sides == side, true, 0)
        )

    return part(0), part(1)


def _sides(labels: DuplicateLabels, listings: pa.Table) -> Ints:
    """(N,) the sample of each product, 0 or 1; -1 for numbers of no product."""
    known = np.flatnonzero(labels.product != UNKNOWN)
    first: dict[int, str] = {}
    ids = listings["id"].take(pa.array(known)).to_pylist()
    for number, id in zip(labels.product[known].tolist(), ids, strict=True):
        first[number] = min(id, first.get(number, id))
    sides = np.full(len(labels.product), -1)
    for number, id in first.items():
        sides[number] = blake2b(id.encode(), digest_size=1).digest()[0] % 2
    return sides
