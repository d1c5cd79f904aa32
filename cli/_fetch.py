"""Fetching the pictures of a catalog, for the commands that do so before they read it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from itemsearch.cli._output import facts, note
from itemsearch.cli._progress import progress

if TYPE_CHECKING:
    from itemsearch.catalog import CatalogConfig
    from itemsearch.fetch.types import FetchConfig, FetchReport

SHOWN_REASONS = 5

Fetch = Annotated[
    bool,
    typer.Option(
        "--fetch",
        help="First download the pictures that are web addresses, into --fetched. Default: <store>-pictures.",
    ),
]
AllowPrivate = Annotated[
    bool, typer.Option("--allow-private", help="Let pictures come from private networks and this machine.")
]


def with_pictures(catalog: CatalogConfig, store: Path, fetch: bool, allow_private: bool) -> CatalogConfig:
    """The catalog, with the folder of its fetched pictures; fetches them first if `fetch` says so.

    Raises:
        FetchError: as `fetch_pictures`.
    """
    from itemsearch.fetch.addresses import pictures_beside
    from itemsearch.fetch.types import FetchConfig

    if not fetch:
        return catalog
    folder = catalog.fetched or pictures_beside(store)
    report = fetch_shown(catalog, folder, FetchConfig(allow_private=allow_private))
    note(f"{summary(report)}: {folder}")
    for line in reasons(report):
        note(line)
    return replace(catalog, fetched=folder)


def fetch_shown(catalog: CatalogConfig, folder: Path, config: FetchConfig) -> FetchReport:
    """Fetches a catalog's pictures, and shows how far it is on standard error.

    Raises:
        CatalogError: the catalog cannot be read.
        FetchError: as `fetch_pictures`.
    """
    from itemsearch.fetch.addresses import picture_addresses
    from itemsearch.fetch.run import fetch_pictures

    addresses = picture_addresses(catalog)
    with progress() as shown:
        return fetch_pictures(addresses, folder, config, shown)


def summary(report: FetchReport) -> str:
    """The account of a run in one line."""
    parts = f"{report.downloaded:,} downloaded + {report.unchanged:,} unchanged + {report.failed:,} failed"
    return f"{report.addresses:,} addresses = {parts}"


def reasons(report: FetchReport) -> Sequence[str]:
    """The most frequent reasons of failures, with an example of each."""
    shown = list(report.reasons.items())[:SHOWN_REASONS]
    lines = [f"{count:,} {reason}: {report.examples[reason]}" for reason, count in shown]
    if len(report.reasons) > SHOWN_REASONS:
        lines.append(f"and {len(report.reasons) - SHOWN_REASONS} reasons more")
    return lines


def print_report(report: FetchReport, folder: Path, failures: Path) -> None:
    """Prints the account of a run."""
    resumed = f", {report.resumed:,} of them before the run was stopped" if report.resumed else ""
    kept = f"; {report.kept:,} of the failed keep the picture of an earlier run" if report.kept else ""
    facts(
        {
            "account": f"{summary(report)}{resumed}{kept}",
            "downloaded": f"{report.bytes:,} bytes",
            "time": f"{report.seconds:.1f} s, {report.addresses / report.seconds:,.0f} addresses a second",
            "pictures": str(folder),
            "failures": str(failures),
        }
    )
    for place, line in enumerate(reasons(report)):
        print(line if place else f"\n{line}")
