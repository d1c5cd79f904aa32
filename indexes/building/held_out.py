"""Chooses the held-out vectors, on which an index is measured: they are indexed, but not trained on.

They are the vectors of the lowest hashes. Whether a vector is held out does not depend on the other vectors,
so an index whose training is reused for many nights is never measured on a vector that it was trained on.
"""

from __future__ import annotations

import numpy as np

from itemsearch.indexes.arrays import Hashes

HELD_OUT = 2000
HELD_OUT_SHARE = 20
"""At most one vector in so many is held out: of 10,000 vectors, which are few for a training, 500."""


def held_out_below(hashes: Hashes) -> int:
    """The hash below which vectors are held out, from the (G,) uint64 hashes of the distinct vectors."""
    size = min(HELD_OUT, len(hashes) // HELD_OUT_SHARE)
    return int(np.partition(hashes, size)[size])
