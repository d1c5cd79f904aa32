"""The wheel: what it holds, and that it works where nothing else of the checkout is importable."""

from __future__ import annotations

import os
import resource
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

CHECKOUT = Path(__file__).parents[2]
FOLDERS = ("itemsearch", "indexes", "cli", "benchmarks", "tests")
FILES = ("pyproject.toml", "README.md", "LICENSE", "NOTICE")

IMPORT_SECONDS = 0.1
HELP_SECONDS = 0.25

USER_PROGRAM = """\
from itemsearch import Engine

engine = Engine.open("index")
for hit in engine.search(id="000123").hits:
    print(hit.rank, hit.id, hit.score, hit.title)
    reveal_type(hit)
"""


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Built from a copy, so that the checkout gets no build/ and no egg-info."""
    source, out = tmp_path_factory.mktemp("source"), tmp_path_factory.mktemp("wheel")
    for folder in FOLDERS:
        unwanted = shutil.ignore_patterns("__pycache__", "*.egg-info")
        shutil.copytree(CHECKOUT / folder, source / folder, symlinks=True, ignore=unwanted)
    for name in FILES:
        shutil.copy2(CHECKOUT / name, source / name)
    _pip("wheel", "--no-deps", "--no-build-isolation", "--wheel-dir", out, source)
    (built,) = out.glob("*.whl")
    return built


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder that holds the installed wheel and nothing else."""
    folder = tmp_path_factory.mktemp("installed")
    _pip("install", "--no-deps", "--no-index", "--target", folder, wheel)
    return folder


def _pip(*arguments: str | Path) -> None:
    command = [sys.executable, "-m", "pip", "--quiet", "--disable-pip-version-check", *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def _python(installed: Path, cwd: Path, *arguments: str) -> str:
    """Standard output of Python with the installed wheel first on its path and not the checkout."""
    environment = {**os.environ, "PYTHONPATH": str(installed), "PYTHONSAFEPATH": "1"}
    done = subprocess.run(
        [sys.executable, *arguments], cwd=cwd, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def _cpu_seconds(installed: Path, cwd: Path, *arguments: str) -> float:
    """The least processor time of three runs: a busy machine lengthens the wall clock, not this."""
    seconds = []
    for _ in range(3):
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        _python(installed, cwd, *arguments)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        seconds.append(after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)
    return min(seconds)


def test_the_wheel_holds_one_package_and_what_it_needs(wheel: Path) -> None:
    names = zipfile.ZipFile(wheel).namelist()
    top_level = {name.split("/")[0] for name in names if ".dist-info/" not in name}
    assert top_level == {"itemsearch"}
    for needed in (
        "itemsearch/py.typed",
        "itemsearch/indexes/__init__.py",
        "itemsearch/cli/app.py",
        "itemsearch/benchmarks/runs/retrieval.py",
        "itemsearch/benchmarks/reports/templates/report.html",
        "itemsearch/review/templates/report.html",
        "itemsearch/pretrain/presets/small.toml",
        "itemsearch/weights/default/model.safetensors",
        "itemsearch/weights/default/ranking.json",
    ):
        assert needed in names
    licences = {name.rsplit("/", 1)[1] for name in names if ".dist-info/licenses/" in name}
    assert licences == {"LICENSE", "NOTICE"}
    unwanted = [name for name in names if "/experiments/" in name or "/tests/" in name or "/test_" in name]
    assert not unwanted


def test_the_command_runs_where_only_the_wheel_is(installed: Path, tmp_path: Path) -> None:
    imported = _python(installed, tmp_path, "-c", "import itemsearch; print(itemsearch.__file__)")
    assert Path(imported.strip()).is_relative_to(installed)
    assert {path.name for path in installed.iterdir() if path.suffix != ".dist-info"} <= {"itemsearch", "bin"}
    assert _python(installed, tmp_path, "-m", "itemsearch", "--version").strip()
    assert "Example: itemsearch search" in _python(
        installed, tmp_path, "-m", "itemsearch", "search", "--help"
    )


def test_import_and_help_are_quick(installed: Path, tmp_path: Path) -> None:
    assert _cpu_seconds(installed, tmp_path, "-c", "import itemsearch") < IMPORT_SECONDS
    assert _cpu_seconds(installed, tmp_path, "-m", "itemsearch", "--help") < HELP_SECONDS


@pytest.mark.slow
def test_a_strictly_typed_user_program_passes(installed: Path, tmp_path: Path) -> None:
    (tmp_path / "program.py").write_text(USER_PROGRAM)
    environment = {**os.environ, "MYPYPATH": str(installed)}
    done = subprocess.run(
        [
            sys.executable,
            "-m",
            "mypy",
            "--strict",
            "--follow-imports=silent",
            "--ignore-missing-imports",
            "program.py",
        ],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert 'Revealed type is "itemsearch.search.results.Hit"' in done.stdout
