"""Says which pictures of listings could not be used."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from itemsearch.catalog import ImageProblemCount

SHOWN_REASONS = 5


def describe_image_problems(problems: Mapping[str, ImageProblemCount]) -> Iterator[str]:
    """A line on how many listings there are, and two on each of the most frequent reasons; none for none."""
    total = sum(problem.listings for problem in problems.values())
    if not total:
        return
    have, they = ("listing has", "it goes") if total == 1 else ("listings have", "they go")
    yield (
        f"{total:,} {have} a picture that cannot be used; {they} on by the title or another picture "
        "(--require-image: rejected)"
    )
    for reason, problem in list(problems.items())[:SHOWN_REASONS]:
        yield f"  {problem.listings:,} {reason}"
        yield f"    {problem.example}"
    if more := sum(problem.listings for problem in list(problems.values())[SHOWN_REASONS:]):
        yield f"  {more:,} for other reasons"
