"""What carries titles in scripts that the model's tokenizer does not know.

    python -m itemsearch.benchmarks.experiments.other_scripts CATALOG QUERIES --out RUN

The titles of CATALOG and QUERIES (Parquet; columns id, title and query_id, title, expected_id) are
transliterated, letter by letter and digits as they are, and searched without their pictures: words in another
script, told apart as well as before, of which the word pieces know next to nothing. RUN gets a folder for
each script, as `itemsearch benchmark retrieval` writes it, and scripts.md with recall@1.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from itemsearch.benchmarks.data.predictions import EVERYTHING
from itemsearch.benchmarks.metrics.bootstrap import Interval
from itemsearch.benchmarks.reports.page import ReportTable, markdown_table
from itemsearch.benchmarks.runs import retrieval
from itemsearch.catalog import CatalogConfig
from itemsearch.embed.model_folder import DEFAULT_MODEL
from itemsearch.errors import ItemSearchError
from itemsearch.indexes.progress import silent

LATIN = "abcdefghijklmnopqrstuvwxyz"
SCRIPTS: Mapping[str, str] = {
    "Latin": LATIN,
    "Cyrillic": "абцдефгхийклмнопщрстувшьыз",
    "Greek": "αβψδεφγηιξκλμνοπϑρστυϐωχϋζ",
    "Devanagari": "अबचडएफगहइजकलमनओपखरसटउवषठयझ",
    "Hangul": "가나다라마바사아자차카타파하거너더러머버서어저처커터",
}
"""One letter for each of `LATIN`, no two alike."""


def transliterated(title: str, script: str) -> str:
    """The title in lower case, its Latin letters in another script."""
    return title.lower().translate(str.maketrans(LATIN, SCRIPTS[script]))


def run(catalog: Path, queries: Path, out: Path, model: str = DEFAULT_MODEL) -> str:
    """Runs the benchmark in each script; returns the text of RUN/scripts.md.

    Raises:
        CatalogError: a file cannot be read or lacks a column.
        ModelError: no such model.
    """
    figures: dict[str, Mapping[str, Any]] = {}
    for script in SCRIPTS:
        print(f"{script}:", file=sys.stderr)
        folder = out / script
        folder.mkdir(parents=True, exist_ok=True)
        for source, name, columns in (
            (catalog, "catalog", ("id", "title")),
            (queries, "asked", ("query_id", "title", "expected_id")),
        ):
            table = pq.read_table(source, columns=list(columns))
            titles = [transliterated(title or "", script) for title in table["title"].to_pylist()]
            place = table.column_names.index("title")
            pq.write_table(table.set_column(place, "title", pa.array(titles)), folder / f"{name}.parquet")
        config = retrieval.RetrievalConfig(
            CatalogConfig(str(folder / "catalog.parquet")),
            queries=str(folder / "asked.parquet"),
            models=(model,),
        )
        found = retrieval.run(config, folder, silent)
        figures[script] = found["galleries"][EVERYTHING]["figures"]
    methods = list(next(iter(figures.values())))
    rows = [
        [method, *(str(Interval(**of_script[method]["recall@1"])) for of_script in figures.values())]
        for method in methods
    ]
    text = "\n".join([*markdown_table(ReportTable(["recall@1", *figures], rows)), ""])
    (out / "scripts.md").write_text(text, "utf-8")
    return text


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m itemsearch.benchmarks.experiments.other_scripts")
    parser.add_argument("catalog", type=Path)
    parser.add_argument("queries", type=Path)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--model", default=DEFAULT_MODEL)
    arguments = parser.parse_args()
    try:
        print(run(arguments.catalog, arguments.queries, arguments.out, arguments.model))
    except ItemSearchError as error:
        parser.exit(error.exit_code, f"{parser.prog}: error: {error}\n")


if __name__ == "__main__":
    main()
