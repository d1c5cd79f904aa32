"""Decides which files of a version the next one shares, as hard links."""

from __future__ import annotations

import numpy as np

from itemsearch.indexes.arrays import Ints, Rows

KEPT_SHARE = 0.75
"""A file is shared as long as this share of it is in use, so that a version is at most a third larger than
what it uses: a guess. At one row in a hundred changed each night a file lasts for a month."""
MOST_FILES = 16
"""Files of a kind that a version shares at most; a search looks into every one that it finds vectors in."""


def files_to_keep(used: Ints, sizes: Ints) -> Rows:
    """The places of the files to share, ascending, of F files.

    Args:
        used: (F,) how much of each is in use, in the unit of `sizes`.
    """
    kept = np.flatnonzero((used > 0) & (used >= KEPT_SHARE * sizes))
    largest = kept[np.argsort(-sizes[kept], kind="stable")]
    return np.sort(largest[: MOST_FILES // 2] if len(kept) > MOST_FILES else kept)
