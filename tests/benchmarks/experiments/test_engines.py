from __future__ import annotations

import csv
from pathlib import Path

from itemsearch.benchmarks.experiments.engines import REFERENCE, compare


def test_engines_find_alike(catalog_csv: Path, tiny_model: Path, tmp_path: Path) -> None:
    with catalog_csv.open(newline="") as file:
        rows = list(csv.DictReader(file))[:20]
    queries = tmp_path / "queries.csv"
    with queries.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["query_id", "title", "expected_id"])
        writer.writerows([f"q{row['id']}", row["title"], row["id"]] for row in rows if row["title"])
    figures = compare(str(catalog_csv), str(queries), {}, str(tiny_model))
    assert figures[0].engine == REFERENCE
    assert len(figures) == 4
    assert all(each.least_cosine > 0.99 for each in figures)
    assert max(each.recall for each in figures) - min(each.recall for each in figures) <= 0.1
