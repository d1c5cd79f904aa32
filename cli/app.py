"""The command `itemsearch`: registers the commands, and turns errors into one line and an exit code.

Exit codes: 0 done, 1 a failure, 2 wrong usage, 3 too many bad rows, 4 an index failed a check and was not
published, 130 Ctrl-C.
"""

from __future__ import annotations

import os
import sys
import traceback
from typing import Annotated

import typer

from itemsearch.cli._app import App
from itemsearch.cli._output import INTERRUPTED, Volume, complain, volume
from itemsearch.cli.benchmark import benchmark_app
from itemsearch.cli.calibrate import calibrate
from itemsearch.cli.check import check
from itemsearch.cli.dedupe import dedupe
from itemsearch.cli.doctor import doctor
from itemsearch.cli.duplicates import duplicates
from itemsearch.cli.embed import embed
from itemsearch.cli.explain import explain
from itemsearch.cli.export_actions import export_actions
from itemsearch.cli.fetch import fetch
from itemsearch.cli.fit_ranking import fit_ranking
from itemsearch.cli.index import index_app
from itemsearch.cli.match import match
from itemsearch.cli.pretrain import pretrain
from itemsearch.cli.rebuild import rebuild
from itemsearch.cli.review import review
from itemsearch.cli.sample_catalog import sample_catalog
from itemsearch.cli.search import search
from itemsearch.cli.serve import serve
from itemsearch.errors import ItemSearchError

app = App("itemsearch", "Find the listings of a catalog that are the same product.")
SECTIONS = {
    "Start": (sample_catalog, dedupe, check, doctor),
    "Find and decide duplicates": (duplicates, match, explain, review, export_actions, calibrate),
    "Build, search and serve": (fetch, embed, index_app, search, serve, rebuild),
    "Measure": (benchmark_app,),
    "Train": (pretrain, fit_ranking),
}
for section, commands in SECTIONS.items():
    for command in commands:
        if isinstance(command, App):
            app.add_typer(command, rich_help_panel=section)
        else:
            app.command(command.__name__.replace("_", "-"), rich_help_panel=section)(command)


def _print_version(requested: bool) -> None:
    if requested:
        from importlib.metadata import version

        print(version("itemsearch"))
        raise typer.Exit


@app.callback()
def options(
    version: Annotated[
        bool,
        typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version and exit."),
    ] = False,
) -> None:
    pass


def main() -> None:
    """The command `itemsearch`."""
    _open_streams()
    # Without these settings libraries print warnings and progress bars of their own.
    os.environ.setdefault("TRANSFORMERS_VERBOSITY", "error")
    os.environ.setdefault("HF_HUB_DISABLE_PROGRESS_BARS", "1")
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
    try:
        app()
    except ItemSearchError as error:
        for line in getattr(error, "__notes__", ()):
            complain(line)
        _leave(str(error), error.exit_code)
    except BrokenPipeError:
        # The reader closed the pipe, as `head` does; without this Python prints a second error at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(1)
    except OSError as error:
        _leave(f"{error.filename}: {error.strerror}" if error.filename else str(error), 1)
    except SystemExit as stop:
        if stop.code == INTERRUPTED:  # typer makes this of Ctrl-C, without a word
            _leave("interrupted", INTERRUPTED)
        raise


def _open_streams() -> None:
    """Sends what is printed to nowhere if a stream is closed, and escapes what its encoding lacks."""
    for name in ("stdout", "stderr"):
        if getattr(sys, name) is None:
            setattr(sys, name, os.fdopen(os.open(os.devnull, os.O_WRONLY), "w"))
        stream = getattr(sys, name)
        if stream.encoding.lower() != "utf-8":
            stream.reconfigure(errors="backslashreplace")


def _leave(message: str, code: int) -> None:
    if volume() is Volume.VERBOSE:
        traceback.print_exc()
    complain(f"itemsearch: error: {' '.join(message.split())}")
    sys.exit(code)
