"""Checks what a search is asked, and makes results of what was ranked."""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from itemsearch.columns import read_texts
from itemsearch.errors import UsageError
from itemsearch.search.ranker import Ranked
from itemsearch.search.results import Hit, Result
from itemsearch.titles import fold_title, is_no_title


def make_result(listings: pa.Table, query_id: str, ranked: Ranked, min_score: float) -> Result:
    """The hits of a ranking whose scores are `min_score` or more."""
    ids, titles, categories = (
        read_texts(listings, name, ranked.rows) for name in ("id", "title", "category")
    )
    hits = (
        Hit(
            rank=place + 1,
            id=ids[place],
            score=float(ranked.scores[place]),
            joint=float(ranked.joint[place]),
            title_similarity=_known(ranked.title_similarity[place]),
            image_similarity=_known(ranked.image_similarity[place]),
            title=titles[place],
            category=categories[place],
        )
        for place in range(len(ranked.rows))
        if ranked.scores[place] >= min_score
    )
    return Result(query_id, tuple(hits), ranked.incomparable, ranked.candidates)


def checked_title(id: str | None, title: str, has_image: bool, other: str) -> str:
    """The folded title of a query, which is an id, or a title and/or an image.

    Raises:
        UsageError: neither or both, the title is none, or only an id has an `other` column to differ in.
    """
    title = fold_title(title)
    if is_no_title(title):
        raise UsageError(f"{title!r} is no title: give the words of a title, or search by image or id")
    if (id is not None) == (bool(title) or has_image):
        raise UsageError("give either an id, or a title and/or an image")
    if other and id is None:
        raise UsageError(f"a title or an image has no {other!r} to differ from: search by id")
    return title


def checked_k(k: int) -> int:
    if k < 1:
        raise UsageError(f"k is {k}: ask for 1 or more results")
    return k


def _known(value: np.float32) -> float | None:
    return None if np.isnan(value) else float(value)
