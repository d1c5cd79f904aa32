"""itemsearch serve: answers searches and matches over HTTP."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from itemsearch.cli._options import TorchDevice, read_token
from itemsearch.cli._output import note
from itemsearch.errors import ServiceError

if TYPE_CHECKING:
    from itemsearch.matching.engine import Engine

MIB = 2**20


def serve(
    index: Annotated[Path, typer.Argument(help="Index folder.")],
    host: Annotated[str, typer.Option(help="Address to listen on; any but loopback needs a token.")] = (
        "127.0.0.1"
    ),
    port: Annotated[int, typer.Option(min=0, max=65535, help="Port to listen on; 0 for any.")] = 8000,
    token_file: Annotated[
        Path | None, typer.Option(help="File of the token that requests need: Authorization: Bearer TOKEN.")
    ] = None,
    workers: Annotated[
        int, typer.Option(min=1, help="Processes; each opens the index and loads the model.")
    ] = 1,
    max_body: Annotated[int, typer.Option(min=1, help="MiB that a request may have.")] = 20,
    max_requests: Annotated[
        int, typer.Option(min=1, help="Requests that a process answers at a time; more get status 429.")
    ] = 128,
    max_seconds: Annotated[
        float, typer.Option(min=0.1, help="Seconds that an answer may take; then status 503.")
    ] = 30.0,
    model: Annotated[
        str, typer.Option(help="Model that embeds the queries. Default: the model of the index.")
    ] = "",
    device: TorchDevice = "auto",
) -> None:
    """Answer searches and matches over HTTP, from the version of the index that is current.

    What can be asked is described at /openapi.json. SIGTERM and Ctrl-C end it once all that was asked is
    answered.

    Example: itemsearch serve index --port 8000
    """
    # Before FAISS is loaded: its threads would else spin after each search, which doubles the processor time.
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    try:
        from itemsearch.service.limits import ServiceLimits
        from itemsearch.service.serve import ServiceConfig, serve
        from itemsearch.web.access import Address
    except ImportError as error:
        raise ServiceError(f"{error.name} is missing: pip install 'itemsearch[serve]'") from error

    address = Address(host, port, read_token(token_file), "--token-file")
    limits = ServiceLimits(
        body=max_body * MIB, bodies=10 * max_body * MIB, requests=max_requests, seconds=max_seconds
    )

    def ready(engine: Engine, where: str) -> None:
        summary = engine.summary
        note(f"{summary.rows:,} listings, version {summary.version}, at {where} (Ctrl-C ends)")

    serve(ServiceConfig(index, address, workers, model, device, limits), ready)
