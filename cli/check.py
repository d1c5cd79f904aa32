"""The command `itemsearch check`: reads a catalog and counts its usable and its bad rows."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import asdict
from typing import TYPE_CHECKING

from itemsearch.cli._catalog_options import CatalogOptions, with_catalog_options
from itemsearch.cli._options import AsJson, Catalog, MaxBadRate
from itemsearch.cli._output import emit_json, facts, progress, say
from itemsearch.errors import TooManyBadRowsError

if TYPE_CHECKING:
    from itemsearch.attributes.identifiers import IdentifierCounts
    from itemsearch.catalog import CatalogCheck, Placeholder

SHOWN_TITLES = 5


@with_catalog_options
def check(
    catalog: Catalog,
    reading: CatalogOptions,
    max_bad_rate: MaxBadRate = 0.05,
    as_json: AsJson = False,
) -> None:
    """Count the usable and the bad rows of a catalog. Each kind of bad row is shown with examples.

    Titles that are no title, placeholder pictures and identifiers that say nothing are counted too.

    Example: itemsearch check shop.csv
    """
    from itemsearch.catalog import check_catalog

    with progress("reading"):
        summary = check_catalog(reading.config(catalog))
    rejected = sum(summary.rejects.values())
    if as_json:
        placeholders = [
            {"image": each.name, "listings": each.listings} for each in summary.placeholders
        ]  # without their hashes, which are of no use outside
        emit_json({**asdict(summary), "placeholders": placeholders, "rejected": rejected})
    else:
        facts(
            {
                "read as": _describe_formats(summary.formats),
                "rows": f"{summary.rows:,}",
                "usable": f"{summary.listings:,} ({summary.without_title:,} without title, "
                f"{summary.without_image:,} without image)",
                "columns": ", ".join(f"{role} = {' + '.join(c)}" for role, c in summary.columns.items()),
                "categories": _describe_categories(summary, reading.category_separator),
                "rejected": f"{rejected:,}",
            }
        )
        for place, line in enumerate(_warnings(summary)):
            if not place:
                say("")
            say(line)
        for reason, count in summary.rejects.items():
            say("")
            say(f"{count:,} {reason.value}")
            for example in summary.examples[reason]:
                say(f"  row {example.row}, id {example.id!r}: {example.message}")
    if rejected > max_bad_rate * summary.rows:
        raise TooManyBadRowsError(
            f"{rejected} of {summary.rows} rows would be rejected, more than --max-bad-rate {max_bad_rate:g}"
        )


def _describe_formats(formats: Mapping[str, int]) -> str:
    if len(formats) == 1:
        return next(iter(formats))
    files = {1: "1 file"}
    return "; ".join(f"{each} ({files.get(count, f'{count:,} files')})" for each, count in formats.items())


def _describe_categories(summary: CatalogCheck, separator: str) -> str:
    paths = f", {summary.category_paths:,} of them paths, split at {separator.strip() or '>'}"
    return f"{summary.categories:,}{paths if summary.category_paths else ''}"


def _warnings(summary: CatalogCheck) -> Iterator[str]:
    """A line on each kind of file that is left out, each column that goes by another name, each thing that
    says nothing of a product, and each identifier column."""
    for each in summary.left_out:
        more = f" and {each.files - 1:,} more" if each.files > 1 else ""
        yield f"left out: {each.example}{more}: {each.why}"
    for name, written in summary.renamed.items():
        of_file = f"is {written!r} in the file: that name is taken" if written else "has no name in the file"
        yield f"column {name!r} {of_file}"
    if summary.no_titles:
        shown = ", ".join(f"{title!r:.40} {count:,}" for title, count in _first(summary.no_titles))
        more = ", ..." if len(summary.no_titles) > SHOWN_TITLES else ""
        total = sum(summary.no_titles.values())
        are = "title that is" if total == 1 else "titles that are"
        yield f"{total:,} {are} no title: {shown}{more}"
    for placeholder in summary.placeholders:
        yield _describe_placeholder(placeholder)
    for name, counts in summary.identifiers.items():
        yield _describe_identifiers(name, counts)


def _first(counts: Mapping[str, int]) -> list[tuple[str, int]]:
    return list(counts.items())[:SHOWN_TITLES]


def _describe_placeholder(placeholder: Placeholder) -> str:
    return (
        f"one picture is shared by {placeholder.listings:,} listings with unlike titles: {placeholder.name}; "
        "it is taken for a placeholder, and counts as no image"
    )


def _describe_identifiers(name: str, counts: IdentifierCounts) -> str:
    unusable = [f"{count:,} {reason.value}" for reason, count in counts.unusable.items()]
    others = counts.rows - counts.valid - sum(counts.unusable.values())
    if others:
        unusable.insert(0, f"{others:,} with a wrong check digit, used as the shop's own numbers")
    return ", ".join([f"identifier {name}: {counts.rows:,} cells, {counts.valid:,} valid", *unusable])
