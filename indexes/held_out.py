"""Which vectors an index is measured on: they are in the index, never in what it was trained on."""

from __future__ import annotations

import numpy as np

from indexes.distinct import Rows

HELD_OUT = 2000
HELD_OUT_SHARE = 20
"""At most one in so many: 10,000 vectors, few enough to need every one for training, lose 500."""


def held_out(entries: int, trained: bool = True) -> Rows:
    """(H,) of so many different vectors, by number, in random order; the same for every spec and seed.

    trained: False for an exact index, which is trained on none and may be asked for any.

    So an index can be measured long after it was built, and one index compared with another.
    """
    size = min(HELD_OUT, entries // HELD_OUT_SHARE if trained else entries)
    return np.random.default_rng(entries).permutation(entries)[:size]
