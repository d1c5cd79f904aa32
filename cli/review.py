"""itemsearch review: serves the local web application in which people decide on groups."""

from __future__ import annotations

import os
from contextlib import nullcontext
from pathlib import Path
from typing import Annotated

import typer

from itemsearch.cli._options import Link, OtherIndex
from itemsearch.cli._output import note
from itemsearch.errors import ReviewError


def review(
    folder: Annotated[Path, typer.Argument(help="A folder of `duplicates`, or an index alone, to search.")],
    port: Annotated[int, typer.Option(min=0, max=65535, help="Port to listen on; 0 for any.")] = 8000,
    host: Annotated[str, typer.Option(help="Address to listen on; any but loopback needs a token.")] = (
        "127.0.0.1"
    ),
    token: Annotated[
        str, typer.Option(envvar="ITEMSEARCH_REVIEW_TOKEN", help="The token that people need for access.")
    ] = "",
    user: Annotated[
        str, typer.Option(help="Whose decisions these are. Default: the page asks each person once.")
    ] = "",
    link: Link = "",
    on_decision: Annotated[
        str,
        typer.Option(
            metavar="URL",
            help="Post each decision as JSON to this address; ITEMSEARCH_WEBHOOK_SECRET signs the requests.",
        ),
    ] = "",
    index: OtherIndex = None,
    images: Annotated[
        str,
        typer.Option(
            help="Where larger pictures are: a folder of pictures or of `itemsearch fetch`, a store, "
            "`addresses` for the web addresses in the catalog, or such as "
            '"https://cdn.shop.example/{image}". '
            "Default: where they were when the catalog was read.",
            metavar="WHERE",
        ),
    ] = "",
) -> None:
    """Look at groups in the browser and confirm, reject, split or merge them; search by id, words or picture.

    Example: itemsearch review duplicates
    """
    try:
        from itemsearch.review.app import build_app, deliver
        from itemsearch.review.serve import serve
        from itemsearch.web.access import Address
    except ImportError as error:
        raise ReviewError(f"{error.name} is missing: pip install 'itemsearch[review]'") from error
    from itemsearch.decisions.sample import SAMPLE
    from itemsearch.review.links import check_link
    from itemsearch.review.session import ReviewSession
    from itemsearch.review.webhook import SECRET, Webhook

    address = Address(host, port, token)
    address.check()
    check_link(link)
    webhook = Webhook.parse(on_decision, os.environ.get(SECRET, "")) if on_decision else None
    session = ReviewSession.open(folder, index, images)

    def ready(where: str) -> None:
        note(f"{len(session.groups):,} groups; open {where}{'?token=...' if token else ''} (Ctrl-C ends)")
        if not session.pictures.is_anywhere:
            note("pictures of 96 pixels alone: --images names where larger ones are")
        if session.groups and not token:
            note(f"{SAMPLE} random automatic groups, how many are right? {where}?sample=automatic")

    app = build_app(session, address, user, link)
    with deliver(app, webhook, note).running() if webhook else nullcontext():
        serve(app, address, ready)
