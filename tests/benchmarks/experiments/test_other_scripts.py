from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
from support.catalogs import titles

from itemsearch.benchmarks.experiments.other_scripts import LATIN, SCRIPTS, run, transliterated
from itemsearch.ngrams import hash_ngrams


def test_titles_stay_apart_in_every_script() -> None:
    for script, letters in SCRIPTS.items():
        assert len(set(letters)) == len(LATIN)
        assert transliterated("Red 64GB", script)[4:6] == "64"
        assert transliterated("Red", script) != transliterated("Rad", script)
        assert set(hash_ngrams(transliterated("red mug", script))) - set(
            hash_ngrams(transliterated("blue mug", script))
        )


def test_a_table_of_the_scripts_is_written(tiny_model: Path, tmp_path: Path) -> None:
    some = titles(20)
    pq.write_table(pa.table({"id": [str(row) for row in range(20)], "title": some}), tmp_path / "c.parquet")
    asked = {"query_id": ["a", "b"], "title": [some[3], some[7]], "expected_id": ["3", "7"]}
    pq.write_table(pa.table(asked), tmp_path / "q.parquet")
    text = run(tmp_path / "c.parquet", tmp_path / "q.parquet", tmp_path / "run", str(tiny_model))
    assert text == (tmp_path / "run" / "scripts.md").read_text("utf-8")
    header, _, ours, *_ = text.splitlines()
    assert all(script in header for script in SCRIPTS)
    assert ours.startswith("| itemsearch |")
    assert "1.000" in ours
