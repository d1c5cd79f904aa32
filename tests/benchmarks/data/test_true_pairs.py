from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from itemsearch.benchmarks.data.true_pairs import TruePairs, read_true_pairs
from itemsearch.errors import CatalogError, MissingColumnError

ROWS = {"a": 0, "b": 1, "c": 2}


def read(tmp_path: Path, text: str) -> list[tuple[int, int]]:
    path = tmp_path / "truth.csv"
    path.write_text(text)
    a, b = read_true_pairs(str(path), ROWS.get)
    return list(zip(a.tolist(), b.tolist(), strict=True))


def test_pairs_are_read_and_a_header_alone_is_a_catalog_without_duplicates(tmp_path: Path) -> None:
    assert read(tmp_path, "id_a,id_b\na,c\nb,a\n") == [(0, 2), (1, 0)]
    assert read(tmp_path, "id_a,id_b\n") == []


@pytest.mark.parametrize(
    ("text", "error", "message"),
    [
        ("id_a,id_b\na,c\na,x\n", CatalogError, "the id_b 'x' is no listing that was embedded"),
        ("id_a,id_b\na,a\n", CatalogError, "one listing, 'a'; mend the row or remove it"),
        ("id,group\na,1\n", MissingColumnError, "no column 'id_a'"),
    ],
)
def test_rows_that_name_no_pair_are_refused(
    tmp_path: Path, text: str, error: type[CatalogError], message: str
) -> None:
    with pytest.raises(error, match=message):
        read(tmp_path, text)


def test_pairs_alone_are_true_but_products_are_what_they_connect() -> None:
    truth = TruePairs.of_rows(np.array([0, 2, 2]), np.array([1, 1, 1]), np.arange(4))
    assert truth.keys.tolist() == [0 * 4 + 1, 1 * 4 + 2]  # 0-2 is not named
    assert truth.products.tolist() == [0, 0, 0, 3]


def test_products_give_all_their_pairs_across_sellers() -> None:
    products, sellers = np.array([7, 7, 7, -1, -1]), np.array([0, 1, 1, 0, 1])
    truth = TruePairs.of_products(products, sellers)
    assert truth.keys.tolist() == [1, 2]  # not 1-2, of one seller; nor 3-4, whose products are not known
    assert truth.products.tolist() == [0, 0, 0, 3, 4]
