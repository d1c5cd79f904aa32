"""Serves the review application until Ctrl-C."""

from __future__ import annotations

import socket
from collections.abc import Callable

import uvicorn
from fastapi import FastAPI

from itemsearch.errors import ReviewError
from itemsearch.review.access import Address


def serve(app: FastAPI, address: Address, ready: Callable[[str], None]) -> None:
    """Serves `app`; `ready` is called with its address, without the token.

    Raises:
        UsageError: other machines have access without a token.
        ReviewError: the port is in use, or the host is not one of this machine.
    """
    address.check()
    listening = _listen(address)
    host = f"[{address.host}]" if ":" in address.host else address.host
    # No log of requests: an address may hold the token.
    config = uvicorn.Config(app, log_level="warning", access_log=False)
    server = uvicorn.Server(config)
    ready(f"http://{host}:{listening.getsockname()[1]}/")
    with listening:
        server.run(sockets=[listening])


def _listen(address: Address) -> socket.socket:
    family = socket.AF_INET6 if ":" in address.host else socket.AF_INET
    listening = socket.socket(family, socket.SOCK_STREAM)
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listening.bind((address.host, address.port))
        listening.listen()
    except OSError as error:
        listening.close()
        where = f"{address.host} port {address.port}"
        raise ReviewError(f"{where}: {error.strerror or error}; give another --port or --host") from error
    return listening
