from __future__ import annotations

import os
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from itemsearch.cli.app import SECTIONS, main


def call(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], *arguments: object
) -> tuple[int, str, str]:
    monkeypatch.setattr(sys, "argv", ["itemsearch", *map(str, arguments)])
    with pytest.raises(SystemExit) as leaving:
        main()
    captured = capsys.readouterr()
    return int(leaving.value.code or 0), captured.out, captured.err


def test_help_lists_commands_by_who_uses_them(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    code, long, _ = call(monkeypatch, capsys, "--help")
    assert code == 0
    assert call(monkeypatch, capsys, "-h")[1] == long
    assert all(f"{section}:\n" in long for section in SECTIONS)
    assert "..." not in long.partition("Options:")[2]
    assert "-q, --quiet" in call(monkeypatch, capsys, "index", "info", "-h")[1]


def test_a_quiet_command_prints_its_result_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    shop = tmp_path / "shop.csv"
    shop.write_text("id,title\n1,lamp\n2,\n")
    told = call(monkeypatch, capsys, "check", shop, "--max-bad-rate", "1", "--report", tmp_path / "a.html")
    quiet = call(
        monkeypatch, capsys, "check", shop, "--max-bad-rate", "1", "--report", tmp_path / "a.html", "-q"
    )
    assert (told[0], quiet[0]) == (0, 0)
    assert quiet[1] == told[1]
    assert (bool(told[2]), quiet[2]) == (True, "")


def test_an_error_is_told_at_any_volume_and_traced_if_verbose(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    line = "itemsearch: error: /nowhere: no such index; make one with itemsearch index build\n"
    for option in ("-q", "-v"):
        code, out, error = call(monkeypatch, capsys, "index", "info", "/nowhere", option)
        assert (code, out) == (1, "")
        assert error.endswith(line)
        assert error.startswith("Traceback") == (option == "-v")
    assert call(monkeypatch, capsys, "index", "info", "/nowhere")[2] == line
    code, _, error = call(monkeypatch, capsys, "index", "info", "/nowhere", "-q", "-v")
    assert code == 2
    assert "exclude each other" in error


@pytest.mark.parametrize("encoding", ["ascii", "latin-1", "utf-8"])
def test_no_terminal_and_no_closed_stream_gives_a_traceback(tmp_path: Path, encoding: str) -> None:
    shop = tmp_path / "shop.csv"
    shop.write_text("id,title\nмяч,ball\n\u202e,\n", "utf-8")
    command = [sys.executable, "-m", "itemsearch", "check", str(shop), "--max-bad-rate", "1"]
    settings = {**os.environ, "PYTHONIOENCODING": encoding, "COLUMNS": "20"}
    told = subprocess.run(command, env=settings, capture_output=True, check=False)
    assert told.returncode == 0, told.stderr
    assert b"1" in told.stdout
    closing = f"exec {shlex.join(command)} >&- 2>&-"
    assert subprocess.run(["sh", "-c", closing], env=settings, check=False).returncode == 0
