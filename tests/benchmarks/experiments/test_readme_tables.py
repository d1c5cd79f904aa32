from __future__ import annotations

import csv
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from support.catalogs import titles, write_catalog

from itemsearch.benchmarks.data.predictions import OURS
from itemsearch.benchmarks.experiments import readme_tables
from itemsearch.benchmarks.methods.baselines import BOTH, TFIDF, WEIGHTED


def _write_parquet(catalog: Path, path: Path, prefix: str = "") -> None:
    with catalog.open(newline="") as file:
        rows = list(csv.DictReader(file))
    for row in rows:
        row["id"] = prefix + row["id"]
        row["image"] = (catalog.parent / row["image"]).read_bytes()  # type: ignore[assignment]
    path.parent.mkdir(parents=True)
    pq.write_table(pa.Table.from_pylist(rows), path)


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """A small copy of the folders that the tables are made from."""
    data = tmp_path / "data"
    small = write_catalog(data / "other-photo", 12)
    _write_parquet(small, data / "fashion/train/part-003.parquet", "train-")
    _write_parquet(small, data / "fashion/test/part-000.parquet")
    _write_parquet(small, data / "general/catalog.parquet")
    listed = pq.read_table(data / "general/catalog.parquet").select(["id", "title", "image"])
    again = listed.rename_columns(["query_id", "title", "image"]).append_column("expected_id", listed["id"])
    for path in ("fashion/test-relisted-elsewhere.parquet", "general/queries.parquet"):
        pq.write_table(again, data / path)
    queries = [f"q{n},nothing,{title},images/{n}.png,{n:05d}" for n, title in enumerate(titles(12))]
    (data / "other-photo/queries.csv").write_text(
        "\n".join(["query_id,title,name,image,expected_id", *queries]) + "\n"
    )
    offers = [f"{n},{title},{n // 2}" for n, title in enumerate(titles(60))]
    (data / "offers").mkdir()
    (data / "offers/offers.csv").write_text("\n".join(["id,title,product", *offers]) + "\n")
    return data


def test_all_tables_are_made_by_one_command(data: Path, tiny_model: Path, tmp_path: Path) -> None:
    text = readme_tables.run(data, tmp_path / "run", str(tiny_model))
    assert text == (tmp_path / "run" / "figures.md").read_text()
    rows = {line.split("|")[1].strip(): line.split("|")[2:-1] for line in text.splitlines() if line}
    assert [cell.strip() for cell in rows["recall@1"]] == [
        "fashion, relisted",
        "fashion, elsewhere",
        "general",
        "other photo, title",
        "other photo, name",
        "offers",
    ]
    assert all("to" in cell for cell in rows[OURS])
    assert [bool(cell.strip()) for cell in rows[WEIGHTED]] == [True] * 5 + [False]
    assert [bool(cell.strip()) for cell in rows[TFIDF]] == [True] * 6
    assert len(rows[BOTH]) == 6  # the later table: two probes, three figures each
    assert len([line for line in text.splitlines() if line.startswith(f"| {OURS} |")]) == 2
    assert (tmp_path / "run" / "other-photo-name" / "predictions.parquet").is_file()
