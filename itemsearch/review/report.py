"""Writes the report: one self-contained HTML file of groups and pairs, with their pictures."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Sequence
from pathlib import Path

import pyarrow as pa
from markupsafe import Markup

from itemsearch.duplicates.run_folder import REPORT, DuplicateTables, RunReport, read_run, read_tables
from itemsearch.duplicates.types import Decision, Tier
from itemsearch.indexes.durable import replacing
from itemsearch.probability.estimate import Checked, Share
from itemsearch.review.cards import ListingCard, read_cards
from itemsearch.review.differences import Comparer
from itemsearch.review.order import Order, draw, in_order, mix
from itemsearch.review.outcome import NothingFound
from itemsearch.review.templating import RULES, asset, environment, options

REPORT_GROUPS = 5000
REPORT_VARIANTS = 200
REPORT_WEAKEST = 25
OF_TIER = {Tier.AUTOMATIC.value: "automatic groups", Tier.REVIEW.value: "groups to review"}


def write_report(folder: Path, listings: pa.Table, report: RunReport) -> None:
    """Writes `report.html` into a folder of `itemsearch duplicates`, from its tables.

    Args:
        listings: of the index.

    Raises:
        ReviewError: the folder's tables cannot be read.
    """
    tables = read_tables(folder, listings)
    write_groups_report(folder / REPORT, tables, report_facts(report), NothingFound.of_run(read_run(folder)))


def write_groups_report(
    path: Path, tables: DuplicateTables, facts: Sequence[str], outcome: NothingFound | None = None
) -> int:
    """Writes the `REPORT_GROUPS` groups that teach most, variants and weakest duplicates as one HTML file.

    Args:
        facts: sentences for the top of the page. outcome: said where there are no groups; None for no more
            than that.

    Returns:
        The number of groups on the page.
    """
    cards = read_cards(tables, REPORT_VARIANTS, REPORT_WEAKEST)
    confirmed = [group for group in cards.groups if group.tier is Tier.CONFIRMED]
    left = [group for group in cards.groups if group.tier is not Tier.CONFIRMED]
    offered = [offer.group for offer in mix(in_order(left, Order.TEACHES), draw(left))]
    groups = [*offered, *confirmed][:REPORT_GROUPS]
    ranks: dict[str, dict[str, int]] = {group.id: {} for group in groups}
    for order in Order:
        for place, group in enumerate(groups if order is Order.TEACHES else in_order(groups, order)):
            ranks[group.id][order.value] = place
    style = "\n".join(asset(name) for name in ("page.css", "looks.css", "print.css"))
    script = "\n".join(asset(name) for name in ("filter.js", "page.js", "print.js"))

    def picture(listing: ListingCard) -> str:
        return data_uri(tables.listings["thumbnail"][listing.row].as_py())

    page = environment(picture, Comparer.of(tables.listings)).get_template("report.html")
    stream = page.stream(
        facts=facts,
        outcome=outcome,
        rule=RULES[Order.TEACHES],
        left_out=len(cards.groups) - len(groups),
        groups=groups,
        ranks=ranks,
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


def report_facts(report: RunReport) -> list[str]:
    """The result of a run, in sentences."""
    automatic, offered = report.estimates.automatic, report.estimates.with_review
    basis = (
        f"{report.labels:,} labels and the catalog itself"
        if report.labels
        else "the catalog itself, no labels"
    )
    checked = [
        f"By a random sample, {checked_text(tier, found)}."
        for tier, found in report.estimates.checked.items()
    ]
    decided = report.pairs[Decision.CONFIRMED] + report.pairs[Decision.REJECTED]
    left_out = f" The {decided:,} pairs that people decided are left out." if decided else ""
    estimated = [
        f"Of {automatic.pairs:,} duplicate pairs an estimated {share_text(automatic.precision)} are right. "
        f"With the pairs to review, {share_text(offered.recall)} of all pairs of one product are here. "
        f"Estimated from {basis}.{left_out}"
    ]
    if decided and not report.pairs[Decision.DUPLICATE] + report.pairs[Decision.REVIEW]:
        estimated = [f"People decided on all {decided:,} pairs that are duplicates or to review."]
    return [
        f"{report.listings:,} of {report.rows:,} listings are in {sum(report.groups.values()):,} groups: "
        f"{report.groups[Tier.AUTOMATIC]:,} automatic, {report.groups[Tier.REVIEW]:,} to review, "
        f"{report.groups[Tier.CONFIRMED]:,} confirmed by people.",
        *estimated,
        *checked,
        f"{report.pairs[Decision.VARIANT]:,} pairs are variants: alike, but another size, colour or such.",
    ]


def share_text(share: Share) -> str:
    """A share with its interval: "95% (91% to 98%)"."""
    return f"{share.value:.0%} ({share.low:.0%} to {share.high:.0%})"


def checked_text(tier: str, found: Checked) -> str:
    """What people found of a tier's groups that were drawn at random."""
    return f"{share_text(found.share)} of the {OF_TIER[tier]} are right, from {found.groups:,} checked groups"


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
