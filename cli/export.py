"""itemsearch export: writes vectors, ids and columns of an index to a vector database or to files."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from itemsearch.cli._options import AsJson, read_token
from itemsearch.cli._output import emit_json, facts
from itemsearch.cli._progress import progress
from itemsearch.export.config import ExportConfig, ExportTo

if TYPE_CHECKING:
    from itemsearch.export.types import ExportReport


def export(
    index: Annotated[Path, typer.Argument(help="Index folder.")],
    to: Annotated[
        ExportTo, typer.Option("--to", help="A vector database, a plain FAISS index, or Parquet files.")
    ],
    out: Annotated[Path | None, typer.Option(help="Folder that is written.")] = None,
    url: Annotated[str, typer.Option(help="Address of a Qdrant server, in place of --out.")] = "",
    name: Annotated[str, typer.Option(help="Name of the collection or table in a database.")] = "listings",
    column: Annotated[
        list[str],
        typer.Option(metavar="COLUMN", help="A column to export; repeatable. Default: all but pictures."),
    ] = [],  # noqa: B006
    number: Annotated[
        list[str],
        typer.Option(metavar="COLUMN", help="A column of text to export as numbers; repeatable."),
    ] = [],  # noqa: B006
    verify: Annotated[
        int, typer.Option(min=0, help="Queries whose neighbours in the target have to be those of the index.")
    ] = 100,
    replace: Annotated[
        bool, typer.Option("--replace", help="Remove an export of another version or index first.")
    ] = False,
    token_file: Annotated[Path | None, typer.Option(help="File of the API key of the server.")] = None,
    as_json: AsJson = False,
) -> None:
    """Write vectors, ids and columns to a vector database or to files, and verify them there.

    The same command goes on after it was stopped. What is exported is the embedding: the match score of
    search needs more than that.

    Example: itemsearch export index --to lancedb --out database

    Example: itemsearch export index --to qdrant --url http://localhost:6333 --number price
    """
    from itemsearch.export.run import export_index

    key = read_token(token_file)
    config = ExportConfig(to, out, url, name, tuple(column), tuple(number), verify, replace, key)
    with progress() as shown:
        report = export_index(index, config, shown)
    if as_json:
        emit_json(report)
    else:
        _show(report)


def _show(report: ExportReport) -> None:
    before = report.rows - report.written
    facts(
        {
            "rows": f"{report.rows:,}" + (f", {before:,} of them there before" if before else ""),
            "vectors": f"{report.dim} numbers of length 1; the inner product is the cosine",
            "columns": ", ".join(f"{name} ({kind})" for name, kind in report.columns.items()),
            "verified": f"{report.queries:,} of {report.queries:,} queries have the {report.neighbours} "
            "neighbours of exact search",
            "seconds": ", ".join(f"{stage} {seconds:,.1f}" for stage, seconds in report.seconds.items()),
            "written": f"version {report.version} to {report.target} in {report.where}",
        }
    )
