"""The command `itemsearch check`: reads a catalog and counts its usable and its bad rows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from itemsearch.cli._catalog_options import CatalogOptions, with_catalog_options
from itemsearch.cli._image_problems import describe_image_problems
from itemsearch.cli._options import AsJson, Catalog, MaxBadRate
from itemsearch.cli._output import emit_json, facts, note, say
from itemsearch.cli._progress import progress
from itemsearch.errors import TooManyBadRowsError

if TYPE_CHECKING:
    from itemsearch.catalog import CatalogCheck

SHOWN_LISTINGS = 3


@with_catalog_options
def check(
    catalog: Catalog,
    reading: CatalogOptions,
    max_bad_rate: MaxBadRate = 0.05,
    report: Annotated[
        Path | None, typer.Option(help="HTML page to write, with twenty listings in pictures.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Say what a catalog was read as, and count its usable and its bad rows, with examples of each.

    Titles that are no title, pictures that cannot be used, placeholder pictures and identifiers that say
    nothing are counted too.

    Example: itemsearch check shop.csv
    """
    from itemsearch.catalog import check_catalog
    from itemsearch.catalog.check_page import write_check_page

    with progress() as shown:
        summary = check_catalog(reading.config(catalog), shown)
    problems = list(describe_image_problems(summary.image_problems))
    if report is not None:
        write_check_page(report, summary, reading.category_separator, problems)
    rejected = sum(summary.rejects.values())
    if as_json:
        emit_json(_as_json(summary, rejected))
    else:
        _print(summary, reading.category_separator, problems)
        if report is not None:
            note(f"page: {report}")
    if rejected > max_bad_rate * summary.rows:
        raise TooManyBadRowsError(
            f"{rejected} of {summary.rows} rows would be rejected, more than --max-bad-rate {max_bad_rate:g}"
        )


def _as_json(summary: CatalogCheck, rejected: int) -> dict[str, object]:
    """The counts, without hashes and pictures, which are of no use outside."""
    placeholders = [{"image": each.name, "listings": each.listings} for each in summary.placeholders]
    sample = [
        {"id": each.id, "title": each.title, "category": each.category, "size": each.size}
        for each in summary.sample
    ]
    counts = asdict(replace(summary, sample=()))
    return {**counts, "placeholders": placeholders, "sample": sample, "rejected": rejected}


def _print(summary: CatalogCheck, separator: str, problems: Sequence[str]) -> None:
    from itemsearch.catalog.check_words import in_examples, in_facts, in_warnings

    facts(in_facts(summary, separator))
    for lines in ([*in_warnings(summary), *problems], in_examples(summary, SHOWN_LISTINGS)):
        for place, line in enumerate(lines):
            if not place:
                say("")
            say(line)
    for reason, count in summary.rejects.items():
        say("")
        say(f"{count:,} {reason.value}")
        for example in summary.examples[reason]:
            say(f"  row {example.row}, id {example.id!r}: {example.message}")
