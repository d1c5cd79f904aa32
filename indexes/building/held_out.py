"""Which vectors an index is measured on: they are in the index, never in what it was trained on.

They are those of the lowest hashes. Whether a vector is one of them does not depend on what other vectors
there are, so that an index whose training is kept for many nights is never asked for what it was trained on.
"""

from __future__ import annotations

import numpy as np

from itemsearch.indexes.arrays import Hashes

HELD_OUT = 2000
HELD_OUT_SHARE = 20
"""At most one in so many: 10,000 vectors, few enough to need every one for training, lose 500."""


def held_out_below(hashes: Hashes) -> int:
    """The hash below which those of (G,) different vectors, as `hash_rows` has them, are held out."""
    size = min(HELD_OUT, len(hashes) // HELD_OUT_SHARE)
    return int(np.partition(hashes, size)[size])
