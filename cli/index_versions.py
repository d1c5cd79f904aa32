"""The commands `itemsearch index list`, `verify`, `rollback`, `unpin` and `prune`, which manage versions."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from itemsearch.cli._options import AsJson
from itemsearch.cli._output import emit_json, note, progress, table

if TYPE_CHECKING:
    from itemsearch.search.folder import IndexSummary
    from itemsearch.search.versions import ListedVersion

Index = Annotated[Path, typer.Argument(help="Index folder.")]
Keep = Annotated[int, typer.Option(min=1, help="Number of versions that are kept, the new one included.")]


def list_(index: Index, as_json: AsJson = False) -> None:
    """List the versions of an index. The sizes of files are checked, not their contents.

    Example: itemsearch index list index
    """
    from dataclasses import asdict

    from itemsearch.search.versions import list_versions

    versions = list_versions(index)
    if as_json:
        emit_json({"folder": str(index), "versions": [asdict(version) for version in versions]})
        return
    rows = [
        [
            str(version.version),
            version.created or "",
            "" if version.rows is None else f"{version.rows:,}",
            version.spec or "",
            f"{version.bytes:,}",
            ", ".join(filter(None, [_standing(version), version.damage])),
        ]
        for version in versions
    ]
    table(["version", "created", "rows", "index", "bytes", ""], rows)


def verify(
    index: Index,
    version: Annotated[int | None, typer.Option(help="Version to verify. Default: the current one.")] = None,
    every: Annotated[
        bool, typer.Option("--all", help="Search for every id, not for a sample of 1,000.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Check that a version is whole. Hashes its files, counts its rows, and searches for its own ids.

    Example: itemsearch index verify index
    """
    from itemsearch.search.versions import verify_index

    with progress("verifying"):
        report = verify_index(index, version, every)
    if as_json:
        emit_json(report)
        return
    print(
        f"version {report.version} is whole: {report.files} files of {report.bytes:,} bytes as published, "
        f"{report.rows:,} rows, {report.ids:,} ids found by their own vectors"
    )


def rollback(
    index: Index,
    to: Annotated[
        int | None, typer.Option(help="Version to go back to. Default: the one before the current one.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Verify an older version and make it current again. It stays current until `itemsearch index unpin`.

    Example: itemsearch index rollback index
    """
    from itemsearch.search.versions import roll_back_index

    with progress("verifying"):
        summary = roll_back_index(index, to)
    if as_json:
        emit_json(summary)
        return
    print(f"version {summary.version} of {summary.created} is current: {summary.rows:,} rows, {summary.spec}")
    note("it stays current whatever is built, until itemsearch index unpin")


def unpin(index: Index, as_json: AsJson = False) -> None:
    """Make the newest version current after a rollback, and those that are built from now on.

    Example: itemsearch index unpin index
    """
    from itemsearch.search.versions import unpin_index

    with progress("verifying"):
        summary = unpin_index(index)
    if as_json:
        emit_json(summary)
        return
    print(f"version {summary.version} of {summary.created} is current: {summary.rows:,} rows, {summary.spec}")


def pinned_words(summary: IndexSummary) -> str:
    """What to add to a line about a version that is not current; "" for the current one."""
    if summary.current == summary.version:
        return ""
    return f"; version {summary.current} stays current, pinned: itemsearch index unpin {summary.folder}"


def _standing(version: ListedVersion) -> str:
    return "current, pinned" if version.pinned else "current" if version.current else ""


def prune(
    index: Index,
    keep: Annotated[
        int, typer.Option(min=1, help="Number of versions that are kept, the current one included.")
    ],
    as_json: AsJson = False,
) -> None:
    """Remove the oldest versions of an index; the current one always stays.

    Example: itemsearch index prune index --keep 2
    """
    from itemsearch.search.versions import prune_index

    report = prune_index(index, keep)
    if as_json:
        emit_json(report)
    elif report.removed:
        removed = ", ".join(map(str, report.removed))
        print(f"removed {removed} ({report.freed_bytes:,} bytes), kept {', '.join(map(str, report.kept))}")
    else:
        note(f"nothing to remove: only {', '.join(map(str, report.kept))} exist")
