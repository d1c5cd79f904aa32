"""Finds out how a delimited file is written: what it says of itself, what the user says, else what fits best.

Every dialect that the header allows is tried on the start of the file. The one under which most lines are
records of the header's width is taken; the simpler one where several do as well.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from io import StringIO

from itemsearch.catalog.formats.dialect import Dialect, RecordShape
from itemsearch.catalog.formats.encoding import Survey, survey_text
from itemsearch.catalog.formats.options import ReadOptions
from itemsearch.catalog.formats.quotes import Record, read_records
from itemsearch.catalog.formats.source import Source
from itemsearch.columns import have_decimal_commas
from itemsearch.errors import CatalogError

DELIMITERS = {",": "commas", ";": "semicolons", "\t": "tabs", "|": "pipes"}
"""What is looked for, and its name for people."""

_SEP_LINE = re.compile(r"""["']?sep=([^\w"'\\\r\n])["']?\s*""", re.IGNORECASE)
_NEEDS_QUOTES = re.compile(r'(?:^|\t)"(?:[^"]|"")*(?:""|[\t\r\n,;])(?:[^"]|"")*"(?=\t|\r|\n|$)')


@dataclass(frozen=True, slots=True)
class Layout:
    """How a delimited file is written.

    Attributes:
        survey: its encoding and the like.
        dialect: how its records are written.
        shape: what its records have in common; its width is 0 where there is no header.
        sep_line: whether a line `sep=;` stands before the header, as Excel reads it.
        said: all this in words: "semicolons, Windows-1252".
    """

    survey: Survey
    dialect: Dialect
    shape: RecordShape
    sep_line: bool
    said: str


def sniff(source: Source, options: ReadOptions) -> Layout:
    """Finds how a file is written; passes over it once.

    Raises:
        CatalogError: the file cannot be read, or is not what an option says.
    """
    survey = survey_text(source, options.encoding)
    lines = [line for sample in survey.samples for line in StringIO(sample, newline="")]
    sep = _SEP_LINE.fullmatch(lines[0]) if lines else None
    lines = lines[1:] if sep else lines
    header = next(_records_alone(lines, options.comment), "")
    if options.delimiter and header and options.delimiter not in header:
        raise CatalogError(f"{source}: the header {header!r:.80} has no --delimiter {options.delimiter!r}")
    given = options.delimiter or (sep[1] if sep else "")
    delimiters = [given] if given else [each for each in DELIMITERS if each in header] or list(DELIMITERS)
    trials = [
        trial
        for delimiter in delimiters
        for trial in _trials(Dialect(delimiter, comment=options.comment), lines, options.quoting)
    ]
    best = max(trials, key=_Trial.worth)
    return Layout(survey, best.dialect, best.shape, bool(sep), _in_words(survey, best, lines))


def _records_alone(lines: Sequence[str], comment: str) -> Iterator[str]:
    return (line for line in lines if line.strip() and not (comment and line.startswith(comment)))


@dataclass(frozen=True, slots=True)
class _Trial:
    """A dialect and the records that it makes of the sample.

    shape: of the records. good: lines in records of the header's width. liked: what decides between dialects
    with as many good lines.
    """

    dialect: Dialect
    shape: RecordShape
    records: Sequence[Record]
    good: int
    liked: int = 0

    @classmethod
    def of(cls, dialect: Dialect, lines: Sequence[str]) -> _Trial:
        records = list(read_records(iter(lines), dialect))
        width = len(records[0].cells) if records else 0
        shape = RecordShape.of(width, [each.cells for each in records[1:] if each.lines == 1])
        if any(each.lines > 1 for each in records):
            records = list(read_records(iter(lines), dialect, shape))
        good = sum(each.lines for each in records[1:] if width and len(each.cells) == width)
        return cls(dialect, shape, records, good)

    def worth(self) -> tuple[int, ...]:
        """What it explains: delimiters, then lines. A space after a delimiter may show a comma in a text."""
        width = self.shape.width
        return (self.good * (width - 1), self.good, not self.shape.spaces, width, self.liked)

    def has_problems(self) -> bool:
        return any(each.problem for each in self.records)

    def encloses(self, quote: str) -> bool:
        """Whether all cells of a column, two at least, begin and end with a quote."""
        rows = [each.cells for each in self.records if len(each.cells) == self.shape.width]
        columns = [[cell for cell in column if cell] for column in zip(*rows[1:], strict=True)]
        headed = zip(rows[0], columns, strict=True) if columns else ()
        return any(
            len(cells) + _is_enclosed(name, quote) > 1 and all(_is_enclosed(cell, quote) for cell in cells)
            for name, cells in headed
        )


def _is_enclosed(cell: str, quote: str) -> bool:
    return len(cell) > 1 and cell[0] == cell[-1] == quote


def _trials(base: Dialect, lines: Sequence[str], quoting: str) -> Iterator[_Trial]:
    """Tries the quotings that the lines show, or the given one alone."""
    text = "".join(lines)
    plain = _Trial.of(replace(base, quote=""), lines)
    if quoting == "none":
        yield plain
        return
    doubled = _Trial.of(base, lines)
    if quoting != "backslash":
        yield doubled
        if text.count(f'{base.delimiter} "') > text.count(f'{base.delimiter}"'):
            yield replace(_Trial.of(replace(base, spaced=True), lines), liked=1)
        if f"{base.delimiter}'" in text or "\n'" in text:
            single = _Trial.of(replace(base, quote="'"), lines)
            yield _without_quoted(single, lines, doubled, liked=1 if doubled.encloses("'") else -1)
    if quoting == "backslash" or (not quoting and '\\"' in text):
        yield replace(_Trial.of(replace(base, backslash=True), lines), liked=-1)
    if base.delimiter == "\t" and not quoting and '"' in text:
        consistent = not doubled.has_problems() and (_NEEDS_QUOTES.search(text) or plain.encloses('"'))
        yield replace(plain, liked=-1 if consistent else 1)


def _without_quoted(trial: _Trial, lines: Sequence[str], doubled: _Trial, liked: int) -> _Trial:
    """A trial that leaves quotes in cells, without the good lines on which they were meant as quotes."""
    meant = 0
    for line in lines:
        if '"' in line:
            cells = doubled.dialect.parse_alone(line)
            meant += len(cells) == doubled.shape.width and cells != trial.dialect.parse_alone(line)
    return replace(trial, good=trial.good - meant, liked=liked)


def _in_words(survey: Survey, best: _Trial, lines: Sequence[str]) -> str:
    dialect = best.dialect
    words = [DELIMITERS.get(dialect.delimiter, f"delimiter {dialect.delimiter!r}"), survey.said]
    if best.shape.width < 2:
        words[0] = "one column"
    if dialect.spaced:
        words[0] += " and spaces"
    if dialect.backslash:
        words.append("quotes after a backslash")
    elif dialect.quote == "'":
        words.append("single quotes")
    elif not dialect.quote and any('"' in line for line in lines):
        words.append("quotes as characters")
    columns = zip(
        *(each.cells for each in best.records[1:] if len(each.cells) == best.shape.width), strict=True
    )
    if any(have_decimal_commas(column) for column in columns):
        words.append("decimal commas")
    if survey.nuls:
        words.append("NUL bytes left out")
    return ", ".join(words)
