"""How soon the command answers from a cold start, and what it imports.

    python -m itemsearch.benchmarks.experiments.cold_start INDEX [--image FILE] [--runs 10]

Runs `itemsearch --help` and `itemsearch search INDEX` by id, by title and by image, each in a process of its
own, by turns. Files are in the system's cache after the first turn, which does not count. Best and median of
`--runs`: the best is what the machine gives when other programs leave it alone. Prints a table, and a JSON
object with --json.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import median

from itemsearch import Engine
from itemsearch.benchmarks.reports.page import ReportTable, markdown_table

HEAVY = ("torch", "transformers", "faiss", "numpy", "pyarrow", "openvino", "rich", "duckdb", "scipy")
RUN = "import sys; from itemsearch.cli.app import main; sys.argv[0] = 'itemsearch'; "
TELL = "import atexit; atexit.register(lambda: print(*sys.modules, file=open({!r}, 'w'))); "


@dataclass(frozen=True, slots=True)
class ColdStart:
    """Seconds of a whole process, and of its threads' processor time; imports: of `HEAVY`, those loaded."""

    command: str
    best: float
    median: float
    best_cpu: float
    median_cpu: float
    imports: tuple[str, ...]


def commands(index: Path, image: Path) -> Mapping[str, list[str]]:
    """Name to the arguments of `itemsearch`."""
    listings = Engine.open(index).listings
    id = listings["id"][listings.num_rows // 2].as_py()
    return {
        "--help": ["--help"],
        "search --id": ["search", str(index), "--id", id],
        "search --title": ["search", str(index), "--title", "black leather belt"],
        "search --image": ["search", str(index), "--image", str(image)],
    }


def measure(arguments: Mapping[str, Sequence[str]], runs: int) -> list[ColdStart]:
    """
    Raises:
        subprocess.CalledProcessError: a command failed and has printed its error.
    """
    seconds: dict[str, list[tuple[float, float]]] = {name: [] for name in arguments}
    for number in range(runs + 1):
        for name, chosen in arguments.items():
            took = _once(RUN + "main()", chosen)
            if number:
                seconds[name].append(took)
    return [
        ColdStart(name, min(walls), median(walls), min(used), median(used), imported(arguments[name]))
        for name, (walls, used) in ((name, zip(*each, strict=True)) for name, each in seconds.items())
    ]


def imported(arguments: Sequence[str]) -> tuple[str, ...]:
    """Which of `HEAVY` the command loads."""
    with tempfile.TemporaryDirectory() as folder:
        told = Path(folder) / "modules"
        _once(RUN + TELL.format(str(told)) + "main()", arguments)
        return tuple(sorted(set(HEAVY) & set(told.read_text().split())))


def _once(code: str, arguments: Sequence[str]) -> tuple[float, float]:
    """Seconds and processor seconds of one process."""
    before, started = os.times(), time.perf_counter()
    command = [sys.executable, "-c", code, *arguments]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    elapsed, after = time.perf_counter() - started, os.times()
    used = after.children_user + after.children_system - before.children_user - before.children_system
    return elapsed, used


def table(found: Sequence[ColdStart]) -> ReportTable:
    head = ["command", "seconds, best", "median", "CPU seconds, best", "median", "loads"]
    rows = []
    for each in found:
        figures = (each.best, each.median, each.best_cpu, each.median_cpu)
        rows.append([each.command, *(f"{figure:.2f}" for figure in figures), ", ".join(each.imports)])
    return ReportTable(head, rows)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m itemsearch.benchmarks.experiments.cold_start")
    parser.add_argument("index", type=Path)
    parser.add_argument("--image", type=Path, required=True)
    parser.add_argument("--runs", type=int, default=10)
    parser.add_argument("--json", action="store_true")
    chosen = parser.parse_args()
    try:
        found = measure(commands(chosen.index, chosen.image), chosen.runs)
    except subprocess.CalledProcessError as error:
        parser.exit(error.returncode)
    if chosen.json:
        print(json.dumps({"load": os.getloadavg(), "commands": [asdict(each) for each in found]}, indent=1))
    else:
        print("\n".join(markdown_table(table(found))))


if __name__ == "__main__":
    main()
