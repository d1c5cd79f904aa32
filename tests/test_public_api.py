"""The names that `import itemsearch` offers: complete, typed, and quick to import."""

from __future__ import annotations

import os
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

import itemsearch
from itemsearch import errors

SOURCES = Path(itemsearch.__file__).parents[1]
USER_PROGRAM = """
from itemsearch import Engine, Filter, Hit, Query, Result, UnknownIdError

queries = [Query(1, "q", "mug", None, None)]
results: list[Result] = Engine.open("index").search_many(queries, filter=Filter("price < 9"))
hits: tuple[Hit, ...] = results[0].hits
reveal_type((hits[0].title_similarity, UnknownIdError.exit_code))
"""


def run_python(*arguments: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "PYTHONPATH": str(SOURCES), "MYPYPATH": str(SOURCES)}
    return subprocess.run(
        [sys.executable, *arguments], capture_output=True, text=True, cwd=cwd, env=environment
    )


def test_every_name_is_there() -> None:
    assert all(getattr(itemsearch, name) is not None for name in itemsearch.__all__)
    raised = {name for name, value in vars(errors).items() if isinstance(value, type)}
    assert raised <= set(itemsearch.__all__)
    assert itemsearch.__version__ == version("itemsearch")


def test_a_user_program_passes_strict_mypy_and_an_unknown_name_does_not(tmp_path: Path) -> None:
    user, unknown = tmp_path / "user.py", tmp_path / "unknown.py"
    user.write_text(USER_PROGRAM)
    unknown.write_text("from itemsearch import Seeker\n")
    # In the checkout, so that the cache of `make check` is used: a cold run takes a minute.
    output = run_python("-m", "mypy", "--strict", str(user), str(unknown), cwd=SOURCES).stdout
    assert 'Revealed type is "tuple[float | None, int]"' in output
    errors_found = [line for line in output.splitlines() if ": error: " in line]
    assert len(errors_found) == 1, output
    assert 'has no attribute "Seeker"' in errors_found[0]


def test_the_import_loads_no_library_and_the_module_runs(tmp_path: Path) -> None:
    loaded = (
        "import sys, itemsearch; print({'numpy', 'pyarrow', 'faiss', 'torch', 'typer'} & sys.modules.keys())"
    )
    assert run_python("-c", loaded, cwd=tmp_path).stdout.strip() == "set()"
    assert run_python("-m", "itemsearch", "--version", cwd=tmp_path).stdout.strip() == version("itemsearch")
