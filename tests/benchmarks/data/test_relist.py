from __future__ import annotations

from pathlib import Path

import pyarrow.parquet as pq
from support.catalogs import write_catalog

from itemsearch.benchmarks.data.relist import PRODUCT, SELLER, SHOP, write_listed_again
from itemsearch.catalog import CatalogConfig, open_catalog


def test_one_product_in_ten_is_relisted(tmp_path: Path) -> None:
    source = CatalogConfig(str(write_catalog(tmp_path / "shop", 200)))
    out = tmp_path / "relisted.parquet"
    count = write_listed_again(open_catalog(source).batches(), out, seed=0)
    table = pq.read_table(out)
    assert table.num_rows == count
    rows = table.to_pylist()
    relisted = [row for row in rows if row[SELLER] != SHOP]
    assert 10 <= len(relisted) <= 45
    assert {row[PRODUCT] for row in rows} == {row["id"] for row in rows if row[SELLER] == SHOP}
    assert all(row["price"] is None and row["id"].startswith(row[PRODUCT] + ":") for row in relisted)
    sellers = [(row[PRODUCT], row[SELLER]) for row in rows]
    assert len(set(sellers)) == len(sellers)
    write_listed_again(open_catalog(source).batches(), tmp_path / "twice.parquet", seed=0)
    assert pq.read_table(tmp_path / "twice.parquet").equals(table)
