from __future__ import annotations

import csv
import io

import pyarrow as pa

from itemsearch.spreadsheet import as_csv


def test_no_cell_runs_as_a_formula_and_numbers_stay_numbers() -> None:
    texts = ["=1+1", "+1", "-1", "@a", "\t=1", "\r=1", "\n=1", "a=1", "", None, 'é, "x"\ny']
    table = pa.table({"=id": texts, "score": [-0.5] * len(texts), "same": [True] * len(texts)})
    written = as_csv(table)
    assert written.startswith(b"\xef\xbb\xbf")
    heading, *rows = csv.reader(io.StringIO(written.decode("utf-8-sig"), newline=""))
    assert heading == ["'=id", "score", "same"]
    assert [row[0] for row in rows[:7]] == [f"'{text}" for text in texts[:7]]
    assert [row[0] for row in rows[7:]] == ["a=1", "", "", 'é, "x"\ny']
    assert {(row[1], row[2]) for row in rows} == {("-0.5", "true")}
