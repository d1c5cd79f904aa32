"""Draw a few edits from a table and apply them: shared by titles and pictures."""

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
    """Apply `count` different edits of `table`, drawn evenly, in the table's order.

    An edit answers None where it does not apply; it is then replaced by another and the work starts
    again from the untouched subject, so that the table's order holds. Fewer edits than `count` are
    made only when no more apply. Returns the edited subject and the names of the edits made.
    """
    order = list(table)
    drawn = [order[place] for place in rng.permutation(len(order))]
    while True:
        chosen = sorted(drawn[:count], key=order.index)
        edited = subject
        for name in chosen:
            result = table[name](edited, rng)
            if result is None:
                drawn.remove(name)
                break
            edited = result
        else:
            return edited, tuple(chosen)
