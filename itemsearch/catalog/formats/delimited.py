"""Reads CSV and TSV files, in any dialect."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice

import pyarrow as pa

from itemsearch.catalog.formats.encoding import read_lines
from itemsearch.catalog.formats.names import distinct_schema
from itemsearch.catalog.formats.options import ReadOptions
from itemsearch.catalog.formats.quotes import Record, read_records
from itemsearch.catalog.formats.sniff import Layout, sniff
from itemsearch.catalog.formats.source import Source
from itemsearch.catalog.formats.tables import Records, TextRecord, TextTable, is_unicode, record_batch
from itemsearch.errors import CatalogError


@dataclass(frozen=True, slots=True)
class DelimitedTable:
    """A CSV or TSV file. layout: how it is written."""

    source: Source
    schema: pa.Schema
    layout: Layout

    @property
    def description(self) -> str:
        return self.layout.said

    def read(self, columns: Sequence[str], carried: pa.Schema, batch_rows: int) -> Iterator[Records]:
        records = _records(self.source, self.layout)
        next(records, None)
        place = f"{self.source.short_name} line"
        while batch := list(islice(records, batch_rows)):
            problems = [self._problem(record) for record in batch]
            cells = self._columns(batch, problems)
            missing = [None] * len(batch)
            arrays = [pa.array(cells.get(field.name, missing), field.type) for field in carried]
            yield Records(
                places=[f"{place} {record.line}" for record in batch],
                problems=problems,
                columns={name: cells.get(name, missing) for name in columns},
                carried=record_batch(arrays, carried, len(batch)),
            )

    def as_text(self) -> TextTable:
        """The same table with its records one by one, to fold or change them."""
        return TextTable(self.source, self.schema, self._parse, self.description)

    def _parse(self) -> Iterator[TextRecord]:
        records = _records(self.source, self.layout)
        next(records, None)
        for record in records:
            problem = self._problem(record)
            cells = {} if problem else dict(zip(self.schema.names, record.cells, strict=True))
            yield TextRecord(record.line, cells, problem)

    def _problem(self, record: Record) -> str:
        if record.problem:
            return record.problem
        if len(record.cells) != len(self.schema):
            return f"{len(record.cells)} cells where the header has {len(self.schema)}"
        if not self.layout.survey.sound and not is_unicode(record.cells):
            return f"bytes that are not {self.layout.survey.said}, which the file is"
        return ""

    def _columns(self, batch: list[Record], problems: list[str]) -> dict[str, Sequence[str | None]]:
        """Column name to cells, of which those of a malformed record are None."""
        none = [None] * len(self.schema)
        rows = [none if problem else record.cells for record, problem in zip(batch, problems, strict=True)]
        return dict(zip(self.schema.names, zip(*rows, strict=True), strict=True))


def open_delimited(source: Source, options: ReadOptions) -> DelimitedTable:
    """Opens a CSV or TSV file, its first record the header; for names that are empty or there twice see
    `distinct_schema`.

    Raises:
        CatalogError: the file cannot be read or is not what an option says, or its header is not text.
    """
    layout = sniff(source, options)
    names = _header(source, layout)
    return DelimitedTable(source, distinct_schema(names, [pa.string()] * len(names)), layout)


def _header(source: Source, layout: Layout) -> list[str]:
    record = next(_records(source, layout), Record(1, 1, []))
    first = record.cells
    if record.problem:
        raise CatalogError(f"{source}: the header cannot be read: {record.problem}")
    names = [name.strip() for name in first]
    if not is_unicode(first):
        raise CatalogError(
            f"{source}: the header is not {layout.survey.said}: say what it is with --encoding"
        )
    if names and names[0].startswith("#") and (len(names) == 1 or " " in names[0]):
        raise CatalogError(f"{source}: the header is {names[0]!r:.60}: if it is a comment, say --comment '#'")
    return names


def _records(source: Source, layout: Layout) -> Iterator[Record]:
    lines = read_lines(source, "", layout.survey.encoding)
    if layout.survey.nuls:
        lines = (line.replace("\0", "") for line in lines)
    return read_records(lines, layout.dialect, layout.shape, skip=int(layout.sep_line))
