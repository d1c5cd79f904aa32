"""Writes the reference page: the help of every command.

python -m itemsearch.cli.reference docs/reference.md
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import typer
from typer.core import TyperCommand, TyperGroup

from itemsearch.cli.app import app

COLUMNS = 100
INTRODUCTION = """# Reference

The help of every command. This page is generated: `python -m itemsearch.cli.reference docs/reference.md`.

Exit codes: 0 done, 1 a failure told in one line, 2 wrong usage, 3 more bad rows than `--max-bad-rate`,
4 a version of an index that failed a check and was not published. `--json` prints one JSON object on
standard output and nothing else there; progress and warnings go to standard error.
"""


def every_command() -> Iterator[tuple[TyperCommand, typer.Context]]:
    """Every command that is not a group, in the order of the help, and the context that it would run in."""
    yield from _commands_of(typer.main.get_command(app), None, "itemsearch")


def reference_page() -> str:
    """The page as Markdown, a section for each command."""
    sections = (
        f"\n## {context.command_path}\n\n```text\n{command.get_help(context).strip()}\n```\n"
        for command, context in every_command()
    )
    return INTRODUCTION + "".join(sections)


def _commands_of(
    command: object, parent: typer.Context | None, name: str
) -> Iterator[tuple[TyperCommand, typer.Context]]:
    if isinstance(command, TyperGroup):
        context = typer.Context(command, parent=parent, info_name=name, terminal_width=COLUMNS)
        for child_name, child in command.commands.items():
            yield from _commands_of(child, context, child_name)
    elif isinstance(command, TyperCommand):
        yield command, typer.Context(command, parent=parent, info_name=name, terminal_width=COLUMNS)


if __name__ == "__main__":
    Path(sys.argv[1]).write_text(reference_page(), "utf-8")
