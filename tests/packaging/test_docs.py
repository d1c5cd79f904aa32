"""The docs: their links resolve, their commands parse, the modules and files that they name exist."""

from __future__ import annotations

import importlib.util
import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import pytest
from typer.core import TyperCommand

from itemsearch.catalog.exports.table import exports_table
from itemsearch.cli.reference import every_command, reference_page

CHECKOUT = Path(__file__).parents[2]
PAGES = sorted(
    [
        *CHECKOUT.glob("*.md"),
        *(CHECKOUT / "docs").glob("*.md"),
        CHECKOUT / "benchmarks" / "README.md",
        CHECKOUT / "itemsearch" / "weights" / "default" / "README.md",
    ]
)
REFERENCE = CHECKOUT / "docs" / "reference.md"
COMMANDS = {context.command_path: command for command, context in every_command()}
HISTORY = "CHANGELOG.md"
"""Names what was renamed and removed as well."""


def _name(page: Path) -> str:
    return str(page.relative_to(CHECKOUT))


def _anchors(page: Path) -> set[str]:
    """The anchors of a page's headings: lower case, without punctuation, hyphens for spaces."""
    headings = re.findall(r"^#+ (.+)$", page.read_text("utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def _code(page: Path) -> Iterator[str]:
    """The code of a page: each line of its blocks, continued lines joined, and each inline span."""
    text = page.read_text("utf-8")
    block = r"^```\w*\n(.*?)^```$"
    for body in re.findall(block, text, re.MULTILINE | re.DOTALL):
        yield from body.replace("\\\n", " ").splitlines()
    for span in re.findall(r"`([^`]+)`", re.sub(block, "", text, flags=re.MULTILINE | re.DOTALL)):
        yield span.replace("\n", " ")


def _shown_commands(page: Path) -> Iterator[list[str]]:
    """The words after `itemsearch` of each command line; comments, and what follows && or |, are left out."""
    for line in _code(page):
        line = line.partition(" #")[0]
        match = re.search(r"(?:^|[\s/=])(?:-m )?itemsearch (?=[a-z-])", line)
        if match and not line.startswith("from "):
            words = shlex.split(line[match.end() :])
            ends = [place for place, word in enumerate(words) if word in ("&&", "|", "2>>", "...")]
            yield words[: min(ends, default=len(words))]


def _resolve(words: list[str]) -> tuple[list[TyperCommand], list[str]]:
    """The commands that the first words name, several for a group, and the words after the name."""
    path = " ".join(["itemsearch", *words[:2]])
    if path in COMMANDS:
        return [COMMANDS[path]], words[2:]
    path = f"itemsearch {words[0]}"
    return [command for name, command in COMMANDS.items() if f"{name} ".startswith(f"{path} ")], words[1:]


@pytest.mark.parametrize("page", PAGES, ids=_name)
def test_links_resolve(page: Path) -> None:
    for target in re.findall(r"\]\(([^)\s]+)\)", page.read_text("utf-8")):
        if re.match(r"https?:", target):
            continue
        path, _, anchor = target.partition("#")
        linked = page.parent / path if path else page
        assert linked.exists(), f"{_name(page)}: no file {target}"
        if anchor:
            assert anchor in _anchors(linked), f"{_name(page)}: no heading {target}"


@pytest.mark.parametrize("page", [page for page in PAGES if page != REFERENCE], ids=_name)
def test_commands_exist_with_the_options_that_are_shown(page: Path) -> None:
    for words in _shown_commands(page):
        shown = f"{_name(page)}: itemsearch {' '.join(words)}"
        commands, rest = _resolve(words)
        assert commands, f"{shown}: no such command"
        if len(commands) > 1:
            assert all(word.startswith("-") for word in rest), f"{shown}: no such command"
        options = {name for command in commands for parameter in command.params for name in parameter.opts}
        for word in rest:
            if re.match(r"-{1,2}[a-z]", word):
                assert word.partition("=")[0] in options | {"--help"}, f"{shown}: no option {word}"


def test_the_readme_shows_commands() -> None:
    shown = [words[0] for words in _shown_commands(CHECKOUT / "README.md")]
    assert {"search", "check", "embed", "index", "duplicates", "rebuild", "pretrain"} <= set(shown)


@pytest.mark.parametrize("page", [page for page in PAGES if page.name != HISTORY], ids=_name)
def test_options_named_in_the_text_exist(page: Path) -> None:
    others = {"--help", "--version", "--nproc-per-node", "--now", "--steps", "--rows", "--test"}
    options = {
        name for command in COMMANDS.values() for parameter in command.params for name in parameter.opts
    } | others
    for span in _code(page):
        if option := re.match(r"--[a-z][a-z-]+", span):
            assert option[0] in options, f"{_name(page)}: {span}"


@pytest.mark.parametrize("page", [page for page in PAGES if page.name != HISTORY], ids=_name)
def test_modules_and_files_that_are_named_exist(page: Path) -> None:
    for line in _code(page):
        for module in re.findall(r"\b-?m (itemsearch[\w.]*)|^(itemsearch(?:\.\w+)+)$", line):
            name = module[0] or module[1]
            assert importlib.util.find_spec(name), f"{_name(page)}: no module {name}"
        if re.fullmatch(r"(itemsearch|indexes|cli|benchmarks|tests|docs)/[\w./-]*", line):
            assert (CHECKOUT / line).exists(), f"{_name(page)}: no file {line}"


def test_names_to_change_are_in_the_files_that_contributing_names() -> None:
    table = (CHECKOUT / "CONTRIBUTING.md").read_text("utf-8").partition("## Where to change what")[2]
    named = re.findall(r"`(\w+(?:\.\w+)?)`(?: and `(\w+)`)? in `([\w/]+\.py)`", table)
    assert len(named) >= 8
    for first, second, file in named:
        source = (CHECKOUT / file).read_text("utf-8")
        for name in filter(None, (first, second)):
            assert re.search(rf"^\s*(?:def |class )?{name.split('.')[-1]}\b", source, re.MULTILINE), (
                f"CONTRIBUTING.md: {name} is not in {file}"
            )


def test_a_pages_tables_stand_nowhere_else() -> None:
    seen: dict[str, str] = {}
    for page in PAGES:
        for row in re.findall(r"^\|.*\d\.\d.*\|$", page.read_text("utf-8"), re.MULTILINE):
            assert row not in seen, f"{_name(page)} repeats a row of {seen[row]}: {row}"
            seen[row] = _name(page)


def test_the_reference_is_what_the_help_says() -> None:
    assert REFERENCE.read_text("utf-8") == reference_page(), (
        "write it again: python -m itemsearch.cli.reference docs/reference.md"
    )


def test_the_table_of_exports_is_that_of_the_code() -> None:
    assert exports_table() in (CHECKOUT / "docs/catalogs.md").read_text("utf-8")
