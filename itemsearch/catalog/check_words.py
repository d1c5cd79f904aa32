"""Words what `check_catalog` counted, for the screen and for the page."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from itemsearch.attributes.identifiers import IdentifierCounts
from itemsearch.catalog.check import CatalogCheck
from itemsearch.catalog.placeholders import Placeholder

SHOWN_TITLES = 5


def in_facts(summary: CatalogCheck, separator: str) -> dict[str, str]:
    """What was read, as what, and how much of it can be used: name to text.

    Args:
        separator: as `CatalogConfig.category_separator`.
    """
    continued = f" (and {summary.continued:,} that continue them)" if summary.continued else ""
    return {
        "read as": _describe_formats(summary.formats),
        **({"recognised": f"{summary.export}: {summary.export_rows}"} if summary.export else {}),
        "rows": f"{summary.rows:,}{continued}",
        "usable": f"{summary.listings:,}, {_share(summary.without_title, summary)} without title, "
        f"{_share(summary.without_image, summary)} without image",
        "columns": ", ".join(f"{role} = {' + '.join(c)}" for role, c in summary.columns.items()),
        "categories": _describe_categories(summary, separator),
        "rejected": f"{sum(summary.rejects.values()):,}",
    }


def in_warnings(summary: CatalogCheck) -> Iterator[str]:
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


def in_examples(summary: CatalogCheck, count: int) -> Iterator[str]:
    """A line on each of the first examples of listings, as they are embedded."""
    for example in summary.sample[:count]:
        picture = f"picture of {example.size[0]} x {example.size[1]}" if example.size else "no picture"
        category = f", in {example.category}" if example.category else ""
        yield f"id {example.id!r}: {example.title or 'no title'}; {picture}{category}"


def _share(count: int, summary: CatalogCheck) -> str:
    return f"{count:,}" if count in (0, summary.listings) else f"{count:,} ({count / summary.listings:.0%})"


def _describe_formats(formats: Mapping[str, int]) -> str:
    if len(formats) == 1:
        return next(iter(formats))
    files = {1: "1 file"}
    return "; ".join(f"{each} ({files.get(count, f'{count:,} files')})" for each, count in formats.items())


def _describe_categories(summary: CatalogCheck, separator: str) -> str:
    paths = f", {summary.category_paths:,} of them paths, split at {separator.strip() or '>'}"
    return f"{summary.categories:,}{paths if summary.category_paths else ''}"


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
