"""itemsearch index list, verify, rollback, prune: the versions of an index."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from itemsearch.cli._options import AsJson
from itemsearch.cli._output import emit_json, note, progress, table

Index = Annotated[Path, typer.Argument(help="An index folder.")]
Keep = Annotated[int, typer.Option(min=1, help="How many versions stay, the new one among them.")]


def list_(index: Index, as_json: AsJson = False) -> None:
    """List the versions of an index; files are checked by size alone.

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
            ", ".join(filter(None, ["current" if version.current else "", version.damage])),
        ]
        for version in versions
    ]
    table(["version", "created", "rows", "index", "bytes", ""], rows)


def verify(
    index: Index,
    version: Annotated[int | None, typer.Option(help="Which version; the current one by default.")] = None,
    every: Annotated[bool, typer.Option("--all", help="Look for every id, not for 1,000 of them.")] = False,
    as_json: AsJson = False,
) -> None:
    """Hash every file of a version, count its rows, and look whether ids find themselves.

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
        f"{report.rows:,} rows, {report.ids:,} ids looked for and found"
    )


def rollback(
    index: Index,
    to: Annotated[int | None, typer.Option(help="Which version; the one before by default.")] = None,
    as_json: AsJson = False,
) -> None:
    """Verify an older version and make it current again.

    Example: itemsearch index rollback index
    """
    from itemsearch.search.versions import roll_back_index

    with progress("verifying"):
        summary = roll_back_index(index, to)
    if as_json:
        emit_json(summary)
        return
    print(f"version {summary.version} of {summary.created} is current: {summary.rows:,} rows, {summary.spec}")


def prune(
    index: Index,
    keep: Annotated[int, typer.Option(min=1, help="How many versions stay, the current one among them.")],
    as_json: AsJson = False,
) -> None:
    """Remove the oldest versions of an index, never the current one.

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
        note(f"nothing to remove: {', '.join(map(str, report.kept))} is all there is")
