"""Progress as it is seen: bars on a terminal, and nothing of it on standard output."""

from __future__ import annotations

import io
import json
import os
import pty
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from rich.console import Console

from itemsearch.cli import _progress
from itemsearch.indexes.progress import Lines


def on_terminal(*arguments: object) -> tuple[str, str]:
    """Standard output, and what a terminal shows as standard error."""
    ours, theirs = pty.openpty()
    shown = io.BytesIO()

    def read() -> None:
        try:
            while block := os.read(ours, 4096):
                shown.write(block)
        except OSError:  # the other end is closed
            pass

    reader = threading.Thread(target=read)
    reader.start()
    environment = {**os.environ, "COLUMNS": "140", "TERM": "xterm"}
    done = subprocess.run(
        [sys.executable, "-m", "itemsearch", *map(str, arguments)],
        stdout=subprocess.PIPE,
        stderr=theirs,
        check=True,
        env=environment,
    )
    os.close(theirs)
    reader.join()
    os.close(ours)
    return done.stdout.decode(), shown.getvalue().decode()


@pytest.mark.skipif(sys.platform == "win32", reason="no pseudo-terminal")
def test_a_terminal_shows_count_and_total(catalog_csv: Path, tiny_model: Path, tmp_path: Path) -> None:
    options = ["--model", tiny_model, "--device", "cpu", "--json"]
    out, shown = on_terminal("embed", catalog_csv, "--out", tmp_path / "store", *options)
    rows = json.loads(out)["rows"]
    assert "listings embedded" in shown
    assert f"{rows:,} of {rows:,}" in shown


def test_bars_tell_total_rate_and_time_left() -> None:
    file = io.StringIO()
    console = Console(file=file, force_terminal=True, width=140)
    with _progress._bars(console) as told:
        told("rows read", 5)
        told("pairs compared", 0, 200)
        told("pairs compared", 100, 200, "2 failed")
        told("pairs compared", 10, 50)  # begins anew
        told("training")
    shown = file.getvalue()
    assert "10 of 50" in shown
    assert "training" in shown


def test_elsewhere_there_are_lines(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stderr", io.StringIO())
    with _progress.progress() as told:
        assert isinstance(told, Lines)
