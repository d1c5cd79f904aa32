"""Prints results on standard output, as tables or JSON, and notes and progress on standard error."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import asdict, is_dataclass
from datetime import UTC, datetime
from enum import Enum
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from rich.console import Console
    from rich.progress import TaskID

    from itemsearch.catalog.reject_tally import ReasonCount

PIPED_WIDTH = 200
INTERRUPTED = 130
"""The exit code of a command that Ctrl-C ended."""
_COMMANDS = re.compile("[\x00-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069\ud800-\udfff]")


class Volume(Enum):
    """How much goes to standard error: errors alone, notes and progress too, or tracebacks as well."""

    QUIET = "quiet"
    NORMAL = "normal"
    VERBOSE = "verbose"


_volume = ContextVar("volume", default=Volume.NORMAL)


def volume() -> Volume:
    return _volume.get()


def set_volume(volume: Volume) -> None:
    """Sets the volume of the command that runs."""
    _volume.set(volume)


class Advance(Protocol):
    """Called by a long job with the number of rows that are done."""

    def __call__(self, done: int, note: str = "") -> None: ...


def emit_json(value: Any) -> None:
    """Prints `value` as JSON; a dataclass becomes an object of its fields."""
    plain = asdict(value) if is_dataclass(value) and not isinstance(value, type) else value
    json.dump(plain, sys.stdout, indent=1, ensure_ascii=False)
    sys.stdout.write("\n")


def table(headings: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Prints a table as wide as the terminal, or 200 columns wide if it is not one. Cells are not markup."""
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    # Piped output is read by programs: it must not be cut to 80 columns.
    console = Console(width=None if sys.stdout.isatty() else PIPED_WIDTH)
    rich_table = Table(box=None, pad_edge=False, header_style="bold")
    for heading in headings:
        rich_table.add_column(heading, overflow="fold")
    for row in rows:
        rich_table.add_row(*(Text(escaped(cell)) for cell in row))
    console.print(rich_table)


def facts(pairs: Mapping[str, str]) -> None:
    """Prints names and values, one pair a line."""
    width = max(map(len, pairs), default=0)
    for name, value in pairs.items():
        say(f"{name:<{width}}  {value}")


def say(message: str) -> None:
    """Prints a line on standard output."""
    print(escaped(message))


def note(message: str) -> None:
    """Prints a line on standard error, unless the volume is quiet."""
    if volume() is not Volume.QUIET:
        complain(message)


def complain(message: str) -> None:
    """Prints a line on standard error at any volume: an error, or what belongs to one."""
    print(escaped(message), file=sys.stderr)


def log_line(level: str, message: str, **fields: Any) -> None:
    """Prints a JSON object on standard error, a line of a log that programs read."""
    line = {"time": datetime.now(UTC).isoformat(timespec="seconds"), "level": level, "message": message}
    print(json.dumps(line | fields, ensure_ascii=False, default=str), file=sys.stderr)


def escaped(text: str) -> str:
    """A line of text with its control characters, and those that turn its direction, written as escapes: what
    a catalog holds must not command the terminal."""
    return text if text.isprintable() else _COMMANDS.sub(lambda found: ascii(found[0])[1:-1], text)


def note_reasons(reasons: Sequence[ReasonCount]) -> None:
    """Prints the most frequent reasons for which rows were rejected, a line each, on standard error."""
    if reasons:
        note("rows were rejected for these reasons:")
    for each in reasons:
        note(f"  {each}")


def _shows_bars(console: Console) -> bool:
    return console.is_terminal and volume() is not Volume.QUIET


@contextmanager
def progress(label: str) -> Iterator[Advance]:
    """Shows a running count on standard error if that is a terminal, and nothing otherwise."""
    from rich.console import Console
    from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

    columns = (
        SpinnerColumn(),
        TextColumn("{task.description} {task.completed:,.0f} {task.fields[note]}"),
        TimeElapsedColumn(),
    )
    console = Console(stderr=True)
    with Progress(*columns, console=console, transient=True, disable=not _shows_bars(console)) as bar:
        task: TaskID = bar.add_task(label, total=None, note="")

        def advance(done: int, note: str = "") -> None:
            bar.update(task, completed=done, note=note)

        yield advance


@contextmanager
def steps() -> Iterator[Callable[[str, int, int], None]]:
    """Shows a bar for each step of a long job, called with the step, the amount done and the total."""
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    console = Console(stderr=True)
    with Progress(*columns, console=console, transient=True, disable=not _shows_bars(console)) as bar:
        tasks: dict[str, TaskID] = {}

        def update(step: str, done: int, total: int) -> None:
            if step not in tasks:
                tasks[step] = bar.add_task(step, total=total)
            bar.update(tasks[step], completed=done)

        yield update
