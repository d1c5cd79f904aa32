"""Any table, written in any dialect, is read back; a broken file loses no row without a word."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from support.tables import read_table

from itemsearch.catalog.formats.delimited import open_delimited
from itemsearch.catalog.formats.encoding import read_lines
from itemsearch.catalog.formats.options import ReadOptions
from itemsearch.catalog.formats.quotes import read_records
from itemsearch.catalog.formats.sniff import sniff
from itemsearch.catalog.formats.source import Source
from itemsearch.errors import CatalogError

FAST = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
NAMES = ["id", "title", "text"]


@dataclass(frozen=True)
class Written:
    """A way to write a table. quoting: of `ReadOptions`; quote_all: whether every cell is quoted."""

    delimiter: str = ","
    quoting: str = "doubled"
    quote: str = '"'
    quote_all: bool = False
    encoding: str = "utf-8"
    end: str = "\n"
    start: str = ""

    def write(self, rows: list[list[str]]) -> bytes:
        lines = [self.delimiter.join(self._cell(cell) for cell in row) + self.end for row in [NAMES, *rows]]
        return (self.start + "".join(lines)).encode(self.encoding)

    def _cell(self, cell: str) -> str:
        special = (self.delimiter, self.quote, "\n", "\r", " ", "\\")
        if self.quoting == "none" or not (self.quote_all or any(each in cell for each in special)):
            return cell
        if self.quoting == "backslash":
            cell = cell.replace("\\", "\\\\").replace(self.quote, f"\\{self.quote}")
        else:
            cell = cell.replace(self.quote, self.quote * 2)
        return f"{self.quote}{cell}{self.quote}"


def read(path: Path, content: bytes, options: ReadOptions) -> list[list[object] | str]:
    path.write_bytes(content)
    return [cells for _, cells in read_table(open_delimited(Source(path), options))]


written = st.builds(
    Written,
    delimiter=st.sampled_from([",", ";", "\t", "|", "^"]),
    quoting=st.sampled_from(["doubled", "backslash", "none"]),
    quote_all=st.booleans(),
    encoding=st.sampled_from(["utf-8", "utf-8-sig", "utf-16", "utf-16-be", "gb18030"]),
    end=st.sampled_from(["\n", "\r\n", "\r"]),
)


@st.composite
def any_table(draw: st.DrawFn) -> tuple[Written, list[list[str]]]:
    """A table of any cells, but that a cell cannot look like a row: only ids have digits."""
    way = draw(written)
    alphabet = "ab ,;|^'é木&" + ('\t"\\\n\r' if way.quoting != "none" else '"\\')
    alphabet = alphabet.replace(way.delimiter, "") if way.quoting == "none" else alphabet
    texts = draw(
        st.lists(
            st.tuples(st.text(alphabet, max_size=8), st.text(alphabet, max_size=8)), min_size=1, max_size=6
        )
    )
    return way, [[f"p-{i}", *each] for i, each in enumerate(texts)]


@FAST
@given(any_table())
def test_any_table_in_any_dialect_that_is_said_is_read_back(
    tmp_path: Path, made: tuple[Written, list[list[str]]]
) -> None:
    way, rows = made
    options = ReadOptions(way.delimiter, way.encoding, way.quoting)
    assert read(tmp_path / "a.csv", way.write(rows), options) == rows


PIECES = ["Mug", "Café", "24 cm", "'80s", "x, y", "p;q", "a|b", "è", "0,35 l"]
SHOWN = {
    "commas": Written(),
    "every cell in quotes": Written(quote_all=True),
    "semicolons": Written(";", encoding="cp1252", end="\r\n"),
    "semicolons of Excel": Written(";", encoding="utf-8", start="\ufeff"),
    "a sep line": Written(";", start="sep=;\r\n", end="\r\n"),
    "pipes": Written("|", encoding="utf-16"),
    "tabs without quotes": Written("\t", "none", encoding="utf-16-le"),
    "tabs with quotes": Written("\t", end="\r\n"),
    "backslashes": Written(quoting="backslash"),
    "single quotes": Written(quote="'", quote_all=True),
    "old Macintosh": Written(";", end="\r", encoding="cp1252"),
}


@pytest.mark.parametrize("way", SHOWN.values(), ids=SHOWN)
@settings(FAST, max_examples=8)
@given(
    cells=st.lists(
        st.tuples(*[st.lists(st.sampled_from(PIECES), max_size=3).map(" ".join)] * 2), min_size=3, max_size=8
    )
)
def test_a_dialect_that_shows_is_found(tmp_path: Path, way: Written, cells: list[tuple[str, str]]) -> None:
    shown = ["0", 'a "b" c', "d" if way.quoting == "none" else f"d\n{way.quote}e{way.quote}"]
    rows = [shown, *([str(i), *each] for i, each in enumerate(cells, 1))]
    assert read(tmp_path / "a.csv", way.write(rows), ReadOptions()) == rows


@st.composite
def broken(draw: st.DrawFn) -> tuple[bytes, bytes]:
    """A file of rows on one line each, and the same with up to three small damages past its header."""
    count = draw(st.integers(3, 12))
    text = st.lists(st.sampled_from(["Mug", "Bowl", '24"', "a, b", '"x" y', "5"]), max_size=2).map(" ".join)
    rows = [[str(100 + i), draw(text), draw(text)] for i in range(count)]
    sound = replace(Written(), quote_all=draw(st.booleans()), delimiter=draw(st.sampled_from(",;\t"))).write(
        rows
    )
    header = sound.index(b"\n") + 1
    data = bytearray(sound)
    for _ in range(draw(st.integers(1, 3))):
        place = draw(st.integers(header, len(data)))
        match draw(st.sampled_from(["insert", "delete", "cut"])):
            case "insert":
                data[place:place] = draw(
                    st.sampled_from([b'"', b'"', b",", b"\xff", b"\0", b"\n", b"'", b"\\"])
                )
            case "delete":
                del data[place : place + 1]
            case "cut":
                del data[place:]
    return sound, bytes(data)


@settings(FAST, max_examples=150)
@given(broken())
@example((b'id,title,text\n100,Mug,\n101,"Mug",5 24"\n', b'id,title,text\n100,"Mug,\n101,Mug,5 24"\n'))
def test_a_broken_file_loses_no_row_without_a_word(tmp_path: Path, files: tuple[bytes, bytes]) -> None:
    sound, data = files
    path = tmp_path / "a.csv"
    path.write_bytes(data)
    try:
        layout = sniff(Source(path), ReadOptions())
        lines = [line.replace("\0", "") for line in read_lines(Source(path), "", layout.survey.encoding)]
        records = list(read_records(iter(lines), layout.dialect, layout.shape))
        told = [line for line, _ in read_table(open_delimited(Source(path), ReadOptions()))]
    except CatalogError:
        return
    covered = [line for each in records for line in range(each.line, each.line + each.lines)]
    blank = {i for i, line in enumerate(lines, 1) if not line.strip("\r\n")}
    assert covered == [i for i in range(1, len(lines) + 1) if i not in blank - set(covered)]
    assert told == [each.line for each in records][1:]
    intact = set(sound.decode().splitlines(keepends=True))
    for each in records:
        inside = lines[each.line : each.line + each.lines - 1]
        assert not intact.intersection(inside)


@FAST
@given(st.binary(max_size=60) | st.text("ab1,;\t|\"'\\\n\r #é\0", max_size=60).map(str.encode))
@example(b'"\n,a"b\n\n"c\nd"e')
def test_any_bytes_are_read_or_refused_in_one_line(tmp_path: Path, content: bytes) -> None:
    try:
        read(tmp_path / "a.csv", content, ReadOptions())
    except CatalogError as error:
        told = str(error)
    else:
        told = ""
    assert "\n" not in told
