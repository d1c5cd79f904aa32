from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest
from support.catalogs import draw_picture

from itemsearch.duplicates.groups.keeper import rank_keepers
from itemsearch.errors import UsageError
from itemsearch.store.schema import thumbnail


def catalog() -> pa.Table:
    large = draw_picture(1)
    small = large.resize((12, 16))
    return pa.table(
        {
            "id": ["a", "b", "c", "d"],
            "title": ["mug", "mug", "a red mug", ""],
            "brand": ["Acme", "Acme", "", "Acme"],
            "price": ["9", "10.5", "", "100"],
            "thumbnail": [thumbnail(small), thumbnail(large), None, thumbnail(large)],
            "tags": [["x"], [], None, ["y"]],
        }
    )


@pytest.mark.parametrize(
    ("keep_by", "order"),
    [
        (("complete",), "abdc"),  # of equal ones the first id
        (("picture",), "bdac"),
        (("complete", "picture"), "badc"),
        (("price",), "abdc"),  # as numbers: 9 before 10.5
        (("-price",), "dbac"),
        (("brand", "-price"), "dbac"),
        ((), "abcd"),
    ],
)
def test_the_listing_to_keep_comes_first(keep_by: tuple[str, ...], order: str) -> None:
    places = rank_keepers(catalog(), np.arange(4), keep_by)
    assert "".join("abcd"[row] for row in np.argsort(places)) == order


def test_what_cannot_choose_is_told() -> None:
    with pytest.raises(UsageError, match="'age': neither complete, picture nor a column"):
        rank_keepers(catalog(), np.arange(4), ("age",))
    with pytest.raises(UsageError, match="whose values have no order"):
        rank_keepers(catalog(), np.arange(4), ("tags",))
