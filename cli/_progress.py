"""Shows how far a long job is on standard error: bars on a terminal, now and then a line elsewhere."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from itemsearch.cli._output import Volume, note, volume
from itemsearch.indexes.progress import Lines, Progress, counted, speed

if TYPE_CHECKING:
    from rich.console import Console
    from rich.progress import ProgressColumn, Task, TaskID


def _shows_bars(console: Console) -> bool:
    return console.is_terminal and volume() is not Volume.QUIET


@contextmanager
def progress() -> Iterator[Progress]:
    """What a long job tells its progress."""
    from rich.console import Console

    console = Console(stderr=True)
    with _bars(console) if _shows_bars(console) else Lines(note) as shown:
        yield shown


@contextmanager
def _bars(console: Console) -> Iterator[Progress]:
    """A bar for each step, removed at the end."""
    from rich.progress import BarColumn, TextColumn, TimeElapsedColumn
    from rich.progress import Progress as Bars

    columns = (TextColumn("{task.description}"), BarColumn(), _status_column(), TimeElapsedColumn())
    with Bars(*columns, console=console, transient=True, speed_estimate_period=60) as bars:
        tasks: dict[str, TaskID] = {}

        def update(step: str, done: int = 0, total: int | None = None, note: str = "") -> None:
            if step not in tasks:
                tasks[step] = bars.add_task(step, total=total, note=note)
            elif done < bars.tasks[bars.task_ids.index(tasks[step])].completed:
                bars.reset(tasks[step], total=total)
            bars.update(tasks[step], completed=done, total=total, note=note)

        yield update


def _status_column() -> ProgressColumn:
    from rich.progress import ProgressColumn
    from rich.text import Text

    class Status(ProgressColumn):
        """Count, note, rate and time left."""

        def render(self, task: Task) -> Text:
            if not task.completed and task.total is None:
                return Text()
            total = None if task.total is None else int(task.total)
            done = int(task.completed)
            rate = [] if task.finished else speed(task.speed or 0.0, done, total)
            return Text(", ".join(filter(None, [counted(done, total), task.fields["note"], *rate])))

    return Status()
