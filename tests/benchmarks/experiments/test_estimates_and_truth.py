from __future__ import annotations

import json
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from itemsearch.benchmarks.experiments.estimates_and_truth import compare
from itemsearch.duplicates.run_folder import FORMAT, PAIRS, RUN
from itemsearch.errors import CatalogError, ReviewError


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    pairs = {"id_a": ["01", "03"], "id_b": ["02", "04"], "decision": ["duplicate", "review"]}
    pq.write_table(pa.table(pairs), tmp_path / PAIRS)
    (tmp_path / "labels.csv").write_text("id,group\n01,1\n02,1\n03,2\n04,3\n05,1\n")
    write_run(tmp_path)
    return tmp_path


def write_run(folder: Path, **more: object) -> None:
    (folder / RUN).write_text(json.dumps({"format": FORMAT, "index": "index", **more}))


def test_estimates_stand_beside_the_truth(folder: Path) -> None:
    interval = {"value": 0.97, "low": 0.9, "high": 0.99}
    write_run(folder, report={"estimates": {"automatic": {"precision": interval, "recall": interval}}})
    lines = [" ".join(line.split()) for line in compare(folder, folder / "labels.csv").splitlines()]
    assert lines[1] == "automatic precision 0.970 (0.900 to 0.990) 1.000 (1 of 1 pairs)"
    assert lines[2] == "automatic recall 0.970 (0.900 to 0.990) 0.333 (1 of 3 pairs)"
    assert lines[3] == "with review precision - 0.500 (1 of 2 pairs)"


def test_a_run_without_estimates_shows_the_truth(folder: Path) -> None:
    assert "automatic    precision  -      " in compare(folder, folder / "labels.csv")


def test_what_cannot_be_read_is_named(folder: Path) -> None:
    with pytest.raises(CatalogError, match=r"gone\.csv"):
        compare(folder, folder / "gone.csv")
    with pytest.raises(ReviewError, match="no result of `itemsearch duplicates`"):
        compare(folder / "gone", folder / "labels.csv")
