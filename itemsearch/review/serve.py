"""Serves the review application until Ctrl-C."""

from __future__ import annotations

from collections.abc import Callable

import uvicorn
from fastapi import FastAPI

from itemsearch.web.access import Address
from itemsearch.web.listen import listen, url_of


def serve(app: FastAPI, address: Address, ready: Callable[[str], None]) -> None:
    """Serves `app`; `ready` is called with its address, without the token.

    Raises:
        UsageError: other machines have access without a token.
        AddressError: the port is in use, or the host is not one of this machine.
    """
    address.check()
    listening = listen(address)
    # No log of requests: an address may hold the token.
    config = uvicorn.Config(app, log_level="warning", access_log=False)
    server = uvicorn.Server(config)
    ready(url_of(listening, address))
    with listening:
        server.run(sockets=[listening])
