from __future__ import annotations

import pytest

from itemsearch.catalog import CatalogConfig, check_catalog
from itemsearch.errors import EmptyCatalogError
from itemsearch.types import RejectReason


def test_counts_and_first_examples(write, encode):
    write("a.png", encode())
    rows = ["1,a,a.png,x", "2,,a.png,x", "3,c,,y", "4,d,,", ",e,,z", "5,,,z", *(f"1,{i},," for i in range(5))]
    path = write("c.csv", "\n".join(["id,title,image,category", *rows]))
    check = check_catalog(CatalogConfig(str(path), batch_rows=4))
    assert (check.rows, check.listings) == (11, 4)
    assert (check.without_title, check.without_image, check.categories) == (1, 2, 2)
    assert check.rejects == {RejectReason.MISSING_ID: 1, RejectReason.EMPTY: 1, RejectReason.DUPLICATE_ID: 5}
    examples = {reason: [reject.row for reject in found] for reason, found in check.examples.items()}
    assert examples == {
        RejectReason.MISSING_ID: [5],
        RejectReason.EMPTY: [6],
        RejectReason.DUPLICATE_ID: [7, 8, 9],
    }


def test_empty(write):
    with pytest.raises(EmptyCatalogError):
        check_catalog(CatalogConfig(str(write("c.csv", "id,title\n"))))
