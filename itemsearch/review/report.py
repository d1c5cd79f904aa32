"""Writes the report: one self-contained HTML file of groups and pairs, with their pictures."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Sequence
from pathlib import Path

import pyarrow as pa
from markupsafe import Markup

from itemsearch.duplicates.run_folder import REPORT, DuplicateTables, RunReport, read_tables
from itemsearch.duplicates.types import Decision, Tier
from itemsearch.indexes.durable import replacing
from itemsearch.review.cards import ListingCard, read_cards
from itemsearch.review.templating import RULE, asset, environment, options

REPORT_GROUPS = 5000
REPORT_VARIANTS = 200
REPORT_WEAKEST = 25


def write_report(folder: Path, listings: pa.Table, report: RunReport) -> None:
    """Writes `report.html` into a folder of `itemsearch duplicates`, from its tables.

    Args:
        listings: of the index.

    Raises:
        ReviewError: the folder's tables cannot be read.
    """
    tables = read_tables(folder, listings)
    write_groups_report(folder / REPORT, tables, _facts(report), report.calibrated)


def write_groups_report(path: Path, tables: DuplicateTables, facts: Sequence[str], calibrated: bool) -> int:
    """Writes the `REPORT_GROUPS` most valuable groups, variants and the weakest duplicates as one HTML file.

    Args:
        facts: sentences for the top of the page.
        calibrated: whether the thresholds come from a calibration; if not, the page warns.

    Returns:
        The number of groups on the page.
    """
    cards = read_cards(tables, REPORT_VARIANTS, REPORT_WEAKEST)
    groups = cards.groups[:REPORT_GROUPS]
    style, script = asset("page.css"), asset("page.js")

    def picture(listing: ListingCard) -> str:
        return data_uri(tables.listings["thumbnail"][listing.row].as_py())

    page = environment(picture).get_template("report.html")
    stream = page.stream(
        facts=facts,
        calibrated=calibrated,
        rule=RULE,
        left_out=len(cards.groups) - len(groups),
        groups=groups,
        options=options(groups),
        variants=cards.variants,
        weakest=cards.weakest,
        policy=_policy(style, script),
        style=Markup(style),
        script=Markup(script),
    )
    stream.enable_buffering(50)
    with replacing(path) as temporary, temporary.open("wb") as file:
        stream.dump(file, encoding="utf-8")
    return len(groups)


def _facts(report: RunReport) -> list[str]:
    """The result of a run, in sentences."""
    return [
        f"{report.listings:,} of {report.rows:,} listings are in {sum(report.groups.values()):,} groups, "
        f"{report.groups[Tier.AUTOMATIC]:,} of them automatic.",
        f"{report.pairs[Decision.VARIANT]:,} pairs are variants: alike, but another size, colour or such.",
    ]


def data_uri(picture: bytes) -> str:
    """The address of a JPEG that is part of the page itself."""
    return f"data:image/jpeg;base64,{base64.b64encode(picture).decode()}"


def _policy(style: str, script: str) -> str:
    """The content security policy: a browser loads only the page's own style sheet, script and pictures."""
    return (
        "default-src 'none'; img-src data:; base-uri 'none'; form-action 'none'; "
        f"style-src '{_digest(style)}'; script-src '{_digest(script)}'"
    )


def _digest(text: str) -> str:
    return f"sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}"
