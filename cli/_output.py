"""What people and scripts read: tables or one JSON object on standard output, the rest on standard error."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, is_dataclass
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from rich.progress import TaskID


PIPED_WIDTH = 200


class Advance(Protocol):
    """Told how far a long job is."""

    def __call__(self, done: int, note: str = "") -> None: ...


def emit_json(value: Any) -> None:
    """One JSON object, the only thing on standard output."""
    plain = asdict(value) if is_dataclass(value) and not isinstance(value, type) else value
    json.dump(plain, sys.stdout, indent=1, ensure_ascii=False)
    sys.stdout.write("\n")


def table(headings: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """A table, as wide as the terminal allows; plain text where it is no terminal. Cells are not markup."""
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    # Piped output is for other programs and files: never cut to 80 columns.
    console = Console(width=None if sys.stdout.isatty() else PIPED_WIDTH)
    drawn = Table(box=None, pad_edge=False, header_style="bold")
    for heading in headings:
        drawn.add_column(heading, overflow="fold")
    for row in rows:
        drawn.add_row(*(Text(cell) for cell in row))
    console.print(drawn)


def facts(pairs: Mapping[str, str]) -> None:
    """Names and values, one a line."""
    width = max(map(len, pairs), default=0)
    for name, value in pairs.items():
        print(f"{name:<{width}}  {value}")


def note(message: str) -> None:
    """A line for the person at the terminal, on standard error."""
    print(message, file=sys.stderr)


@contextmanager
def progress(label: str) -> Iterator[Advance]:
    """A running count on standard error where that is a terminal; silence elsewhere."""
    from rich.console import Console
    from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

    columns = (
        SpinnerColumn(),
        TextColumn("{task.description} {task.completed:,.0f} {task.fields[note]}"),
        TimeElapsedColumn(),
    )
    console = Console(stderr=True)
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as bar:
        task: TaskID = bar.add_task(label, total=None, note="")

        def advance(done: int, note: str = "") -> None:
            bar.update(task, completed=done, note=note)

        yield advance


@contextmanager
def steps() -> Iterator[Callable[[str, int, int], None]]:
    """Told the step that a long job is in, how much of it is done and of how much; shows the time left."""
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    console = Console(stderr=True)
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as bar:
        tasks: dict[str, TaskID] = {}

        def told(step: str, done: int, total: int) -> None:
            if step not in tasks:
                tasks[step] = bar.add_task(step, total=total)
            bar.update(tasks[step], completed=done)

        yield told
