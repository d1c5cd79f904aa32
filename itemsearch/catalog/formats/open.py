"""Opens the files of a catalog as tables, each by its format."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePath

from itemsearch.catalog.formats.archive import open_archive
from itemsearch.catalog.formats.arrow import open_arrow
from itemsearch.catalog.formats.delimited import open_delimited
from itemsearch.catalog.formats.detect import Format, detect_format
from itemsearch.catalog.formats.find import (
    PICTURE_SUFFIXES,
    TABLE_SUFFIXES,
    find_sources,
    has_suffix,
)
from itemsearch.catalog.formats.json_document import open_json
from itemsearch.catalog.formats.jsonl import open_jsonl
from itemsearch.catalog.formats.keyed import KeyedTable
from itemsearch.catalog.formats.options import ReadOptions
from itemsearch.catalog.formats.parquet import open_parquet
from itemsearch.catalog.formats.picture_folder import open_picture_folder
from itemsearch.catalog.formats.source import Source
from itemsearch.catalog.formats.tables import Table
from itemsearch.catalog.formats.xlsx import open_xlsx
from itemsearch.catalog.formats.xml_feed import open_xml
from itemsearch.errors import CatalogError, NotCatalogError

AS_DETECTED = ReadOptions()
PICTURES = tuple(PICTURE_SUFFIXES)
A_PICTURE = "a picture"


@dataclass(frozen=True, slots=True)
class LeftOut:
    """Files of a folder or an archive that are not read. why: what they are. example: the first of them."""

    why: str
    files: int
    example: str


@dataclass(frozen=True, slots=True)
class FoundTables:
    """What there is at a path."""

    tables: tuple[Table, ...]
    left_out: tuple[LeftOut, ...]


def open_tables(path: str, options: ReadOptions = AS_DETECTED) -> tuple[Table, ...]:
    """Opens the tables at `path`, as `find_tables` does."""
    return find_tables(path, options).tables


def find_tables(path: str, options: ReadOptions = AS_DETECTED) -> FoundTables:
    """Opens the tables at `path`: a file, a zip archive, a folder, a glob, or "-" for standard input.

    In a folder or an archive, pictures, documents and other files that are no tables are left out, unless
    their name is that of a table. Text whose name says nothing is a table where nothing else is. A folder
    with pictures and no table is one, of its pictures.

    Raises:
        CatalogNotFoundError: there is no such file or folder.
        CatalogError: no file there is a table, or one cannot be read.
    """
    sources = find_sources(path)
    alone = [str(source.path) for source in sources] == [str(PurePath(path))]
    opener = _Opener(options, alone)
    tables = tuple(opener.open(sources))
    left_out = opener.left_out()
    pictures = [source.path for source in sources if has_suffix(source.path, PICTURES)]
    if not tables and pictures and Path(path).is_dir():
        others = tuple(each for each in left_out if each.why != A_PICTURE)
        return FoundTables((open_picture_folder(Path(path), pictures),), others)
    if not tables:
        why = "; ".join(f"{each.example} is {each.why}" for each in left_out)
        raise CatalogError(f"{path}: no catalog file there{': ' if why else ''}{why}")
    return FoundTables(tables, left_out)


class _Opener:
    """Opens files, and keeps account of those that are left out. alone: whether the user named one file."""

    def __init__(self, options: ReadOptions, alone: bool) -> None:
        self._options = options
        self._alone = alone
        self._left_out: Counter[str] = Counter()
        self._examples: dict[str, str] = {}

    def open(self, sources: list[Source]) -> Iterator[Table]:
        found = [each for source in sources for each in self._detect(source, self._alone)]
        plain = [each for each in found if not _is_plain_text(*each)]
        for source, format in found:
            if plain and _is_plain_text(source, format):
                self._leave_out(source, "text whose name is not that of a table")
                continue
            try:
                table = self._open(source, format)
            except NotCatalogError as error:
                self._refuse(source, error, self._alone and not source.member)
            else:
                yield KeyedTable(table) if source.keys else table

    def left_out(self) -> tuple[LeftOut, ...]:
        return tuple(LeftOut(why, files, self._examples[why]) for why, files in self._left_out.items())

    def _detect(self, source: Source, alone: bool) -> Iterator[tuple[Source, Format]]:
        """Yields (source, format) of a file, or of each file in a zip archive."""
        if not alone and PurePath(source.short_name.lower()).suffix in PICTURE_SUFFIXES:
            self._leave_out(source, A_PICTURE)
            return
        try:
            source, format = detect_format(source)
            if format is not Format.ZIP:
                yield source, format
                return
            source = source.local()
            members = open_archive(source)
        except NotCatalogError as error:
            self._refuse(source, error, alone)
            return
        if members is None:
            yield source, Format.XLSX
            return
        for member in members:
            yield from self._detect(member, alone=False)

    def _open(self, source: Source, format: Format) -> Table:
        match format:
            case Format.PARQUET:
                return open_parquet(source.local())
            case Format.ARROW_FILE | Format.ARROW_STREAM:
                return open_arrow(source.local(), format is Format.ARROW_STREAM)
            case Format.XLSX:
                return open_xlsx(source, self._options.sheet)
            case Format.XML:
                return open_xml(source)
            case Format.JSON:
                return open_json(source)
        if has_suffix(PurePath(source.short_name), (".jsonl", ".ndjson")):
            return open_jsonl(source)
        return open_delimited(source, self._options)

    def _refuse(self, source: Source, error: NotCatalogError, alone: bool) -> None:
        """Leaves out a file that is no table; where it was named, or has a table's name, that is an error."""
        if alone or has_suffix(PurePath(source.short_name), TABLE_SUFFIXES):
            raise error
        self._leave_out(source, str(error).removeprefix(f"{source}: "))

    def _leave_out(self, source: Source, why: str) -> None:
        self._left_out[why] += 1
        self._examples.setdefault(why, str(source))


def _is_plain_text(source: Source, format: Format) -> bool:
    """Whether neither bytes nor name say that a file is a table."""
    return format is Format.TEXT and not has_suffix(PurePath(source.short_name), TABLE_SUFFIXES)
