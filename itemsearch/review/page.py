"""One self-contained page of groups: pictures side by side, nothing fetched from elsewhere."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Sequence
from pathlib import Path

import pyarrow as pa
from markupsafe import Markup

from itemsearch.duplicates.run import REPORT, RunReport
from itemsearch.duplicates.types import Decision, Tier
from itemsearch.indexes.durable import replacing
from itemsearch.review.findings import Findings, ListingCard, read_shown
from itemsearch.review.render import RULE, asset, environment, options

PAGE_GROUPS = 5000
PAGE_VARIANTS = 200
PAGE_WEAKEST = 25


def write_report(folder: Path, listings: pa.Table, report: RunReport) -> None:
    """Writes `report.html` into a folder of `itemsearch duplicates`, from the tables there.

    Args:
        listings: of the index.

    Raises:
        ReviewError: the folder's tables cannot be read.
    """
    findings = Findings.read(folder, listings)
    write_groups_page(folder / REPORT, findings, _facts(report), report.calibrated)


def write_groups_page(path: Path, findings: Findings, facts: Sequence[str], calibrated: bool) -> int:
    """Writes the best `PAGE_GROUPS` groups, variants and the weakest accepted pairs as one HTML file.

    Args:
        facts: sentences for the head of the page.
        calibrated: whether thresholds were learnt from labels; if not, the page warns.

    Returns:
        How many groups are on the page.
    """
    shown = read_shown(findings, PAGE_VARIANTS, PAGE_WEAKEST)
    groups = shown.groups[:PAGE_GROUPS]
    style, script = asset("page.css"), asset("page.js")

    def picture(listing: ListingCard) -> str:
        return data_uri(findings.listings["thumbnail"][listing.row].as_py())

    page = environment(picture).get_template("report.html")
    stream = page.stream(
        facts=facts,
        calibrated=calibrated,
        rule=RULE,
        left_out=len(shown.groups) - len(groups),
        groups=groups,
        options=options(groups),
        variants=shown.variants,
        weakest=shown.weakest,
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
        f"{report.groups[Tier.AUTOMATIC]:,} of them sure enough to act on.",
        f"{report.pairs[Decision.VARIANT]:,} pairs look alike but differ in size, colour or such.",
    ]


def data_uri(picture: bytes) -> str:
    """A JPEG inside the page itself."""
    return f"data:image/jpeg;base64,{base64.b64encode(picture).decode()}"


def _policy(style: str, script: str) -> str:
    """What a browser may load and run for the page: its own style sheet, script and pictures."""
    return (
        "default-src 'none'; img-src data:; base-uri 'none'; form-action 'none'; "
        f"style-src '{_digest(style)}'; script-src '{_digest(script)}'"
    )


def _digest(text: str) -> str:
    return f"sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}"
