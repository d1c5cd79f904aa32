"""The command `itemsearch fetch`: downloads the pictures of a catalog that are web addresses."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Annotated

import typer

from itemsearch.cli._catalog_options import CatalogOptions, with_catalog_options
from itemsearch.cli._fetch import AllowPrivate, fetch_shown, print_report
from itemsearch.cli._options import AsJson, Catalog
from itemsearch.cli._output import emit_json
from itemsearch.errors import FetchError

MEBIBYTE = 2**20


@partial(with_catalog_options, without=("image_root", "fetched"))
def fetch(
    catalog: Catalog,
    out: Annotated[Path, typer.Option(help="Folder that the pictures are kept in, from run to run.")],
    reading: CatalogOptions,
    per_host: Annotated[int, typer.Option(min=1, help="Requests at a time to one host; a guess.")] = 8,
    parallel: Annotated[int, typer.Option(min=1, help="Requests at a time to all hosts.")] = 32,
    rate: Annotated[float, typer.Option(min=0, help="Requests a second to one host; 0 for no limit.")] = 0.0,
    robots: Annotated[bool, typer.Option("--robots", help="Honour robots.txt and its Crawl-delay.")] = False,
    retries: Annotated[
        int, typer.Option(min=0, help="Retries after a timeout, a cut connection, a 429 or a 5xx.")
    ] = 4,
    max_mebibytes: Annotated[float, typer.Option(min=0.0, help="Largest picture, in MiB.")] = 32.0,
    max_pixels: Annotated[
        int | None, typer.Option(min=1, help="Largest picture, in pixels. Default: what can be read.")
    ] = None,
    max_seconds: Annotated[float, typer.Option(help="Longest time for one address, waits left out.")] = 60.0,
    max_redirects: Annotated[int, typer.Option(min=0, help="Most redirects of one request.")] = 5,
    allow_private: AllowPrivate = False,
    as_json: AsJson = False,
) -> None:
    """Download the pictures of a catalog that are web addresses. A later run asks only for what changed.

    Other commands read the pictures with --fetched. What failed is listed in failures.csv in the folder.

    Example: itemsearch fetch shop.csv --out pictures
    """
    from itemsearch.catalog.images import MAX_PIXELS
    from itemsearch.fetch.state import FAILURES
    from itemsearch.fetch.types import FetchConfig

    config = FetchConfig(
        per_host=per_host,
        parallel=parallel,
        retries=retries,
        max_bytes=round(max_mebibytes * MEBIBYTE),
        max_pixels=max_pixels or MAX_PIXELS,
        max_seconds=max_seconds,
        max_redirects=max_redirects,
        rate=rate,
        robots=robots,
        allow_private=allow_private,
    )
    report = fetch_shown(reading.config(catalog), out, config)
    if as_json:
        emit_json(report)
    else:
        print_report(report, out, out / FAILURES)
    if report.failed == report.addresses > 0:
        raise FetchError(f"none of {report.addresses:,} addresses could be fetched: see {out / FAILURES}")
