"""Opens the files of a catalog as tables, each by its format."""

from __future__ import annotations

from itemsearch.catalog.formats.delimited import open_delimited
from itemsearch.catalog.formats.files import find_sources, format_of
from itemsearch.catalog.formats.jsonl import open_jsonl
from itemsearch.catalog.formats.options import ReadOptions
from itemsearch.catalog.formats.parquet import ParquetTable
from itemsearch.catalog.formats.source import Source
from itemsearch.catalog.formats.tables import Table

AS_DETECTED = ReadOptions()


def open_tables(path: str, options: ReadOptions = AS_DETECTED) -> tuple[Table, ...]:
    """Opens the tables at `path`: a file, a folder or a glob.

    Raises:
        CatalogNotFoundError: there is no such file or folder.
        CatalogError: no file there is of a known format, or one cannot be read.
    """
    return tuple(_open_table(source, options) for source in find_sources(path))


def _open_table(source: Source, options: ReadOptions) -> Table:
    match format_of(source.path):
        case ".csv" | ".tsv":
            return open_delimited(source, options)
        case ".jsonl":
            return open_jsonl(source)
        case _:
            return ParquetTable.open(source)
