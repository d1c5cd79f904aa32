from __future__ import annotations

import json
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from itemsearch.benchmarks.experiments.nightly_cost import run, write_catalog


def test_a_share_of_the_rows_changes_by_the_seed_alone(catalog_csv: Path, tmp_path: Path) -> None:
    counts = write_catalog(str(catalog_csv), tmp_path / "all.parquet", 0.0, 0)
    assert counts == {"same": 60, "rows": 60, "read": 60}
    counts = write_catalog(str(catalog_csv), tmp_path / "some.parquet", 0.5, 0)
    write_catalog(str(catalog_csv), tmp_path / "again.parquet", 0.5, 0)
    before, after, again = (
        {row["id"]: row for row in pq.read_table(tmp_path / f"{name}.parquet").to_pylist()}
        for name in ("all", "some", "again")
    )
    assert after == again
    both = before.keys() & after.keys()
    assert counts["title"] == sum(before[id]["title"] != after[id]["title"] for id in both) > 0
    assert counts["picture"] == sum(before[id]["image"] != after[id]["image"] for id in both) > 0
    assert counts["dropped"] == len(before.keys() - after.keys()) > 0
    assert counts["added"] == len(after.keys() - before.keys()) > 0
    assert counts["rows"] == len(after)


@pytest.mark.slow
def test_two_rebuilds_are_compared(catalog_csv: Path, tiny_model: Path, tmp_path: Path) -> None:
    metrics = run(str(catalog_csv), tmp_path / "run", 0.2, 0, str(tiny_model))
    full, again = (
        {stage["name"]: stage["facts"] for stage in metrics["nights"][name]["stages"]}
        for name in ("full", "again")
    )
    changed = metrics["changed"]
    assert full["embed"]["embedded"] == 60
    assert again["embed"]["embedded"] == changed["title"] + changed["picture"] + changed["added"]
    assert json.loads((tmp_path / "run" / "metrics.json").read_text()) == metrics
    assert "| CPU seconds | " in (tmp_path / "run" / "report.md").read_text()
