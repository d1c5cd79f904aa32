"""itemsearch review: the local web application in which people decide groups."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from itemsearch.cli._output import note
from itemsearch.errors import ReviewError


def review(
    folder: Annotated[Path, typer.Argument(help="What `duplicates` wrote, or an index alone, to search.")],
    port: Annotated[int, typer.Option(min=0, max=65535, help="Port to listen on; 0 for any.")] = 8000,
    host: Annotated[str, typer.Option(help="Address to listen on; any but loopback needs a token.")] = (
        "127.0.0.1"
    ),
    token: Annotated[
        str, typer.Option(envvar="ITEMSEARCH_REVIEW_TOKEN", help="What people have to know to get in.")
    ] = "",
) -> None:
    """Look at groups in the browser and confirm, reject, split or merge them; search by id, words or picture.

    Example: itemsearch review duplicates
    """
    try:
        from itemsearch.review.access import Address
        from itemsearch.review.serve import serve
    except ImportError as error:
        raise ReviewError(f"{error.name} is missing: pip install 'itemsearch[review]'") from error
    from itemsearch.review.desk import Desk

    address = Address(host, port, token)
    address.check()
    desk = Desk.open(folder)

    def ready(where: str) -> None:
        note(f"{len(desk.groups):,} groups; open {where}{'?token=...' if token else ''} (Ctrl-C ends)")

    serve(desk, address, ready)
