from __future__ import annotations

import csv
from collections import Counter
from pathlib import Path

import pytest

from itemsearch.catalog.config import CatalogConfig
from itemsearch.catalog.read import open_catalog
from itemsearch.errors import UsageError
from itemsearch.sample.catalog import COLUMNS, SampleReport, draw_catalog

Rows = dict[str, dict[str, str]]

PRODUCTS = 120


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> SampleReport:
    return draw_catalog(tmp_path_factory.mktemp("sample") / "catalog", PRODUCTS, seed=3)


def read_rows(path: Path) -> Rows:
    with path.open(encoding="utf-8", newline="") as file:
        return {row["id"]: row for row in csv.DictReader(file)}


@pytest.fixture(scope="module")
def rows(report: SampleReport) -> Rows:
    return read_rows(report.folder / "catalog.csv")


@pytest.fixture(scope="module")
def groups(report: SampleReport) -> dict[str, str]:
    return {id: row["group"] for id, row in read_rows(report.folder / "labels.csv").items()}


def test_counts_agree(report: SampleReport, rows: Rows, groups: dict[str, str]) -> None:
    assert report.products == PRODUCTS == len(set(groups.values()))
    assert report.rows == len(rows) == PRODUCTS + report.relistings
    sizes = Counter(Counter(groups.values()).values())
    assert sizes == {1: PRODUCTS - 18, 2: 12, 3: 6}
    assert report.relistings == 24
    assert report.without_image == sum(not row["image"] for row in rows.values()) == 1
    assert report.without_title == sum(not row["title"] for row in rows.values()) == 1
    assert report.categories == len({row["category"] for row in rows.values()}) >= 14


def test_ids_and_columns(rows: Rows, groups: dict[str, str]) -> None:
    assert list(rows) == list(groups) == [f"{number:06d}" for number in range(1, len(rows) + 1)]
    assert all(tuple(row) == COLUMNS for row in rows.values())
    assert all(0 < float(row["price"]) < 1000 for row in rows.values())


def test_neither_id_nor_order_tells_the_group(groups: dict[str, str]) -> None:
    neighbours = zip(list(groups.values()), list(groups.values())[1:], strict=False)
    assert sum(first == second for first, second in neighbours) < 3


def test_a_group_is_one_product_of_several_sellers(rows: Rows, groups: dict[str, str]) -> None:
    sizes = Counter(groups.values())
    for group in (group for group, size in sizes.items() if size > 1):
        members = [rows[id] for id in groups if groups[id] == group]
        assert all(row["title"] and row["image"] for row in members)
        assert len({row["category"] for row in members}) == len({row["colour"] for row in members}) == 1
        assert len({row["seller"] for row in members}) == len(members)
        assert len({row["title"] for row in members}) > 1


def test_different_groups_are_different_products(rows: Rows, groups: dict[str, str]) -> None:
    sizes = Counter(groups.values())
    alone = [rows[id]["title"] for id in groups if sizes[groups[id]] == 1 and rows[id]["title"]]
    assert len(set(alone)) == len(alone)


def test_the_reader_takes_every_row(report: SampleReport, rows: Rows) -> None:
    batches = list(open_catalog(CatalogConfig(path=str(report.folder / "catalog.csv"))).batches())
    assert not [reject for batch in batches for reject in batch.rejects]
    listings = [listing for batch in batches for listing in batch.items]
    assert [listing.id for listing in listings] == list(rows)
    for listing in listings:
        assert (listing.image is None) == (not rows[listing.id]["image"])
        if listing.image:
            assert all(180 < side < 380 for side in listing.image.size)
    stored = {f"images/{path.name}" for path in (report.folder / "images").iterdir()}
    assert stored == {row["image"] for row in rows.values() if row["image"]}


def contents(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_same_seed_same_bytes(tmp_path: Path) -> None:
    for name, seed in (("first", 1), ("second", 1), ("other", 2)):
        draw_catalog(tmp_path / name, 30, seed)
    assert contents(tmp_path / "first") == contents(tmp_path / "second")
    assert contents(tmp_path / "first") != contents(tmp_path / "other")


def test_a_folder_in_use_is_refused(tmp_path: Path) -> None:
    (tmp_path / "mine.txt").write_text("kept")
    with pytest.raises(UsageError, match="is in use"):
        draw_catalog(tmp_path, 5)
    with pytest.raises(UsageError, match="is in use"):
        draw_catalog(tmp_path / "mine.txt", 5)
    assert contents(tmp_path) == {"mine.txt": b"kept"}


def test_an_empty_folder_is_taken(tmp_path: Path) -> None:
    assert draw_catalog(tmp_path, 1).rows == 1


@pytest.mark.parametrize(("products", "seed"), [(0, 0), (5, -1)])
def test_wrong_numbers_are_refused(tmp_path: Path, products: int, seed: int) -> None:
    with pytest.raises(UsageError, match="at least"):
        draw_catalog(tmp_path / "new", products, seed)
    assert not (tmp_path / "new").exists()
