"""The command `itemsearch check`: reads a catalog and counts its usable and its bad rows."""

from __future__ import annotations

from dataclasses import asdict

from itemsearch.cli._options import AsJson, Catalog, Columns, ImageRoot, MaxBadRate, catalog_config
from itemsearch.cli._output import emit_json, facts, progress
from itemsearch.errors import TooManyBadRowsError


def check(
    catalog: Catalog,
    column: Columns = [],  # noqa: B006 (typer reads the default, nobody changes it)
    image_root: ImageRoot = None,
    max_bad_rate: MaxBadRate = 0.05,
    as_json: AsJson = False,
) -> None:
    """Count the usable and the bad rows of a catalog. Each kind of bad row is shown with examples.

    Example: itemsearch check shop.csv
    """
    from itemsearch.catalog import check_catalog

    with progress("reading"):
        summary = check_catalog(catalog_config(catalog, column, image_root))
    rejected = sum(summary.rejects.values())
    if as_json:
        emit_json({**asdict(summary), "rejected": rejected})
    else:
        facts(
            {
                "rows": f"{summary.rows:,}",
                "usable": f"{summary.listings:,} ({summary.without_title:,} without title, "
                f"{summary.without_image:,} without image)",
                "categories": f"{summary.categories:,}",
                "rejected": f"{rejected:,}",
            }
        )
        for reason, count in summary.rejects.items():
            print(f"\n{count:,} {reason.value}")
            for example in summary.examples[reason]:
                print(f"  row {example.row}, id {example.id!r}: {example.message}")
    if rejected > max_bad_rate * summary.rows:
        raise TooManyBadRowsError(
            f"{rejected} of {summary.rows} rows would be rejected, more than --max-bad-rate {max_bad_rate:g}"
        )
