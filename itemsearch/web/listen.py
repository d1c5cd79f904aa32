"""Opens the socket of a web application."""

from __future__ import annotations

import socket

from itemsearch.errors import AddressError
from itemsearch.web.access import Address


def listen(address: Address) -> socket.socket:
    """A listening socket.

    Raises:
        AddressError: the port is in use, or the host is not one of this machine.
    """
    family = socket.AF_INET6 if ":" in address.host else socket.AF_INET
    # asyncio sends at once (TCP_NODELAY) on sockets that say they are TCP; else an answer of two parts waits
    # 40 ms for the acknowledgement of the first.
    listening = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listening.bind((address.host, address.port))
        listening.listen()
    except OSError as error:
        listening.close()
        where = f"{address.host} port {address.port}"
        raise AddressError(f"{where}: {error.strerror or error}; give another --port or --host") from error
    return listening


def url_of(listening: socket.socket, address: Address) -> str:
    """The address of the application, without its token."""
    host = f"[{address.host}]" if ":" in address.host else address.host
    return f"http://{host}:{listening.getsockname()[1]}/"
