"""Guards: what a new version may differ by from the one that is served, judged as early as it can be."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from itemsearch.catalog import Survey
from itemsearch.errors import GateError, IndexFolderError
from itemsearch.indexes.storage.files import read_distinct
from itemsearch.indexes.storage.versions import current_version, verify_version
from itemsearch.nightly.config import Guards
from itemsearch.search.folder import LISTINGS, index_errors

NO_TITLE, NO_IMAGE = "have no title", "have no picture"


@dataclass(frozen=True, slots=True)
class Figures:
    """What guards compare, shares of `rows` but for `rows` itself.

    repeated: rows that repeat another row's embedding. repeated_content: rows that repeat another's title and
    pictures. without_title, without_image: rows that lack one.
    """

    rows: int
    repeated: float
    repeated_content: float
    without_title: float
    without_image: float


@dataclass(frozen=True, slots=True)
class ServedVersion:
    """The current version of an index, and its figures. whole: every file is as it was published."""

    version: int
    figures: Figures
    whole: bool


def served_version(index: Path, facts: dict[str, Any]) -> ServedVersion | None:
    """The current version; None if there is none, or if it is too damaged to compare with.

    Damage is recorded in `facts` and raises no error, since the rebuild repairs it.
    """
    if not index.exists():
        return None
    served = None
    try:
        with index_errors(index):
            version = current_version(index)
            served = ServedVersion(version.number, read_figures(version.folder), whole=False)
            verify_version(version)
            served = replace(served, whole=True)
    except IndexFolderError as error:
        facts["damaged"] = str(error)
    return served


def read_figures(folder: Path) -> Figures:
    """The figures of a version's files. A column that embeddings of another origin lack counts as full."""
    distinct = read_distinct(folder)
    rows = len(distinct.rows)
    with pa.memory_map(str(folder / LISTINGS)) as source:
        listings = pa.ipc.open_file(source).read_all()
        names = listings.column_names
        different = pc.count_distinct(listings["content_hash"]).as_py() if "content_hash" in names else rows
        lacking = {
            name: pc.sum(pc.invert(listings[name])).as_py() if name in names else 0
            for name in ("has_title", "has_image")
        }
    return Figures(
        rows=rows,
        repeated=1 - len(distinct) / rows,
        repeated_content=1 - different / rows,
        without_title=lacking["has_title"] / rows,
        without_image=lacking["has_image"] / rows,
    )


def check_feed(guards: Guards, served: ServedVersion | None, survey: Survey) -> None:
    """Compares a catalog with the served version before anything is embedded; the first catalog passes.

    Pictures that turn out to be damaged are not counted yet: `check_version` counts them.

    Raises:
        GateError: as `check_version`.
    """
    if served is None or not survey.listings:
        return
    before, rows = served.figures, survey.listings
    repeated = "repeat the title and the pictures of another"
    rises = (
        Rise(repeated, before.repeated_content, survey.repeated / rows, "max_duplicates_jump"),
        Rise(NO_TITLE, before.without_title, survey.without_title / rows, "max_missing_titles_jump"),
        Rise(NO_IMAGE, before.without_image, survey.without_image / rows, "max_missing_images_jump"),
    )
    _check(guards, served, rows, rises)


def check_version(guards: Guards, served: ServedVersion | None, new: Figures) -> None:
    """Compares a version that is not yet published with the served one; the first version passes.

    Raises:
        GateError: the new version differs from the served one by more than `guards` allow.
    """
    if served is None:
        return
    before = served.figures
    rises = (
        Rise("repeat another's embedding", before.repeated, new.repeated, "max_duplicates_jump"),
        Rise(NO_TITLE, before.without_title, new.without_title, "max_missing_titles_jump"),
        Rise(NO_IMAGE, before.without_image, new.without_image, "max_missing_images_jump"),
    )
    _check(guards, served, new.rows, rises)


@dataclass(frozen=True, slots=True)
class Rise:
    """The share of rows that do something, before and now; `guard` names the limit of how much it rises."""

    what: str
    before: float
    now: float
    guard: str


def _check(guards: Guards, served: ServedVersion, rows: int, rises: Sequence[Rise]) -> None:
    stays = f"version {served.version} stays current"
    fallen = 1 - rows / served.figures.rows
    if fallen > guards.max_fallen:
        raise GateError(
            f"{rows:,} rows instead of the {served.figures.rows:,} of version {served.version}: {fallen:.1%} "
            f"gone, more than guards.max_fallen {guards.max_fallen:g}; {stays}"
        )
    for rise in rises:
        most: float = getattr(guards, rise.guard)
        if rise.now - rise.before > most:
            raise GateError(
                f"{rise.now:.1%} of the rows {rise.what}, {rise.before:.1%} did in version {served.version}: "
                f"more than guards.{rise.guard} {most:g}; {stays}"
            )
