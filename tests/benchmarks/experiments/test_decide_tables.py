from __future__ import annotations

import csv
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from support.catalogs import draw_picture, titles

from itemsearch.benchmarks.data.relist import SELLER, encode_image
from itemsearch.benchmarks.experiments import decide_catalogs, decide_tables
from itemsearch.catalog import open_catalog


def write_listings(path: Path, count: int, prefix: str = "") -> list[dict[str, object]]:
    rows: list[dict[str, object]] = [
        {
            "id": f"{prefix}{number:03d}",
            "title": title,
            "image": {"bytes": encode_image(draw_picture(number)), "path": None},
            "category": "Mugs",
        }
        for number, title in enumerate(titles(count))
    ]
    path.parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(pa.Table.from_pylist(rows), path)
    return rows


def write_queries(path: Path, rows: list[dict[str, object]]) -> None:
    queries = [
        {
            "query_id": f"q{row['id']}",
            "title": f"{row['title']} new",
            "image": row["image"],
            "expected_id": row["id"],
        }
        for row in rows
    ]
    pq.write_table(pa.Table.from_pylist(queries), path)


@pytest.fixture
def data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A small copy of the folders that the tables are made from."""
    for name, count in (("FASHION_AGAIN", 6), ("GENERAL_AGAIN", 5), ("DRAWN_PRODUCTS", 30)):
        monkeypatch.setattr(decide_catalogs, name, count)
    monkeypatch.setattr(decide_catalogs, "TRAINING_FROM", 10)
    monkeypatch.setattr(decide_catalogs, "TRAINING_LISTINGS", 20)
    data = tmp_path / "data"
    write_listings(data / decide_catalogs.TRAINING_CATALOG, 40, "train-")
    test = write_listings(data / "fashion/test/part-000.parquet", 30)
    write_queries(data / "fashion/test-relisted-elsewhere.parquet", test[:12])
    write_queries(data / "general/queries.parquet", write_listings(data / "general/catalog.parquet", 20))
    (data / "linkage").mkdir()
    for name in ("abt-buy", "amazon-google"):
        offers = [f"{side}{n},{title},{side}" for side in "AB" for n, title in enumerate(titles(25))]
        (data / f"linkage/{name}.csv").write_text("\n".join(["id,title,seller", *offers]) + "\n")
        pairs = [f"A{n},B{n}" for n in range(25)]
        (data / f"linkage/{name}.truth.csv").write_text("\n".join(["id_a,id_b", *pairs]) + "\n")
    return data


def true_pairs(path: Path) -> list[tuple[str, str]]:
    with path.open(newline="") as file:
        return [(row["id_a"], row["id_b"]) for row in csv.DictReader(file)]


def test_catalogs_are_made_once_and_hold_their_true_pairs(data: Path, tmp_path: Path) -> None:
    makers = decide_catalogs.make_catalogs(data, tmp_path / "catalogs")
    sizes = {}
    for name, make in makers.items():
        made = make()
        ids = {listing.id for batch in open_catalog(made.catalog).batches() for listing in batch.items}
        pairs = true_pairs(made.truth)
        assert {id for pair in pairs for id in pair} <= ids
        sizes[name] = (len(ids), len(pairs))
    assert sizes["general, planted"] == (25, 5)
    assert sizes["fashion, two sellers"] == (36, 6)
    assert sizes["training fashion, 0% relisted"] == (20, 0)
    assert sizes["training fashion, 5% relisted"] == (21, 1)
    assert sizes["training fashion, 50% relisted"] == (30, 10)
    truth = makers["drawn sample"]().truth
    written = truth.stat().st_mtime_ns
    assert makers["drawn sample"]().truth.stat().st_mtime_ns == written


def test_the_two_sellers_of_fashion_share_only_what_is_relisted(data: Path, tmp_path: Path) -> None:
    made = decide_catalogs.make_catalogs(data, tmp_path / "catalogs")["fashion, two sellers"]()
    table = pq.read_table(made.catalog.path)
    seller = dict(zip(table["id"].to_pylist(), table[SELLER].to_pylist(), strict=True))
    assert all(seller[a] != seller[b] for a, b in true_pairs(made.truth))
    shares = [list(seller.values()).count(name) for name in set(seller.values())]
    assert len(shares) == 2
    assert min(shares) > 10


def test_tables_are_made_by_one_command(data: Path, tiny_model: Path, tmp_path: Path) -> None:
    only, out = ["abt-buy", "training fashion, 0% relisted"], tmp_path / "run"
    text = decide_tables.run(data, out, 10, only, str(tiny_model), baselines=False)
    assert text == (out / "figures.md").read_text()
    rows = [[cell.strip() for cell in line.split("|")[1:-1]] for line in text.splitlines() if line]
    assert [row[0] for row in rows] == [
        "catalog",
        "---",
        *only,
        "catalog",
        "---",
        only[0],
        only[0],
        only[1],
        only[1],
    ]
    assert rows[2][1] == "25"
    assert [row[1] for row in rows[-4:]] == ["0", "10", "0", "10"]
    assert (out / "abt-buy" / "labels" / "report.html").is_file()
