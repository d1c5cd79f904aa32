"""Application of randomly drawn edits, for titles and pictures alike."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TypeVar

import numpy as np

Subject = TypeVar("Subject")


def apply_drawn(
    subject: Subject,
    table: Mapping[str, Callable[[Subject, np.random.Generator], Subject | None]],
    count: int,
    rng: np.random.Generator,
) -> tuple[Subject, tuple[str, ...]]:
    """Applies `count` different edits of `table`, drawn with equal probability, in the table's order.

    An edit returns None where it does not apply. It is then replaced by the next one drawn, and all edits
    start again from the unedited subject, so that the table's order is kept. Fewer than `count` edits are
    made if no more apply.

    Returns:
        The edited subject, and the names of the edits in the order applied.
    """
    names = list(table)
    candidates = [names[place] for place in rng.permutation(len(names))]
    while True:
        chosen = sorted(candidates[:count], key=names.index)
        edited = subject
        for name in chosen:
            result = table[name](edited, rng)
            if result is None:
                candidates.remove(name)
                break
            edited = result
        else:
            return edited, tuple(chosen)
