"""What all commands share: `-h`, `-q` and `-v`, and help that lists commands by who uses them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from typing import Any

import typer
from typer.core import TyperCommand, TyperGroup, TyperOption

from itemsearch.cli._output import Volume, set_volume

HELP_WIDTH = 100
QUIET, VERBOSE = "quiet", "verbose"


class Command(TyperCommand):
    """A command with the options -q and -v, which set the volume before it runs."""

    def get_params(self, ctx: Any) -> list[Any]:
        *own, help_option = super().get_params(ctx)
        quiet = _switch(QUIET, "Print results and errors alone: no notes, no progress.")
        verbose = _switch(VERBOSE, "Print the traceback of an error too.")
        return [*own, quiet, verbose, help_option]

    def invoke(self, ctx: Any) -> Any:
        quiet, verbose = ctx.meta[QUIET], ctx.meta[VERBOSE]
        if quiet and verbose:
            raise typer.BadParameter("--quiet and --verbose exclude each other: give one", ctx)
        set_volume(Volume.QUIET if quiet else Volume.VERBOSE if verbose else Volume.NORMAL)
        return super().invoke(ctx)


class Group(TyperGroup):
    """Commands that the help lists by their `rich_help_panel`, each with its whole first sentence."""

    def format_commands(self, ctx: Any, formatter: Any) -> None:
        sections: dict[str, list[tuple[str, str]]] = defaultdict(list)
        for name, command in self.commands.items():
            sentence = command.get_short_help_str(10 * HELP_WIDTH)
            sections[getattr(command, "rich_help_panel", None) or "Commands"].append((name, sentence))
        width = max(map(len, self.commands))
        for section, rows in sections.items():
            with formatter.section(section):
                formatter.write_dl([(name.ljust(width), sentence) for name, sentence in rows])


class App(typer.Typer):
    """A group of commands of these classes."""

    def __init__(self, name: str, summary: str) -> None:
        super().__init__(
            name=name,
            help=summary,
            cls=Group,
            no_args_is_help=True,
            pretty_exceptions_enable=False,
            rich_markup_mode=None,  # plain help: importing rich takes 0.2 s
            context_settings={"max_content_width": HELP_WIDTH, "help_option_names": ["-h", "--help"]},
        )

    def command(self, name: str | None = None, **settings: Any) -> Callable[[Any], Any]:
        return super().command(name, **{"cls": Command, **settings})


def _switch(name: str, words: str) -> TyperOption:
    def keep(ctx: Any, option: object, value: bool) -> None:
        ctx.meta[name] = value

    names = [f"-{name[0]}", f"--{name}"]
    return TyperOption(param_decls=names, is_flag=True, help=words, expose_value=False, callback=keep)
