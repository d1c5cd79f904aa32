from __future__ import annotations

from pathlib import Path

import pytest

from itemsearch.catalog import CatalogConfig, check_catalog, open_catalog, read_queries


@pytest.mark.parametrize(
    ("path", "listings", "without_image"),
    [("fashion/test", 4096, 0), ("other-photo/catalog.csv", 221, 0), ("offers/offers.csv", 17_713, 17_713)],
)
def test_catalogs_without_a_reject(shared_data: Path, path: str, listings: int, without_image: int):
    check = check_catalog(CatalogConfig(str(shared_data / path)))
    assert (check.rows, check.listings, check.rejects) == (listings, listings, {})
    assert (check.without_title, check.without_image) == (0, without_image)


def test_carried_columns(shared_data: Path):
    names = next(
        open_catalog(CatalogConfig(str(shared_data / "fashion/train"))).batches()
    ).carried.schema.names
    assert names == ["master_category", "sub_category", "gender", "colour", "season", "year", "usage"]


def test_queries(shared_data: Path):
    batches = list(read_queries(str(shared_data / "other-photo/queries.csv"), batch_rows=50))
    queries = [query for batch in batches for query in batch.items]
    assert (len(queries), sum(len(batch.rejects) for batch in batches)) == (116, 0)
    assert all(query.image is not None and query.title for query in queries)
