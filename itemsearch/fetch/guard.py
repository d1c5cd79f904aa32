"""Connects to public hosts alone: resolves a name, checks what it stands for, and connects to just that.

The check is where connections are made, so that nothing can come between: no second look-up that gives
another answer (DNS rebinding), and no redirect, for which a connection is made in the same way.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Iterable
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address
from typing import Any

import httpcore2

from itemsearch.fetch.types import NoPictureError

# What RFC 6052 reserves for IPv4 addresses that a network translates.
_TRANSLATED = IPv6Network("64:ff9b::/96")


def is_public(address: str) -> bool:
    """Whether an IP address is public: not private, loopback, link-local, multicast, reserved or the like.

    An IPv6 address that stands for an IPv4 address is public if that is.
    """
    parsed = ip_address(address.partition("%")[0])
    if isinstance(parsed, IPv6Address):
        inner = _embedded(parsed)
        if inner is not None:
            return is_public(str(inner))
        if parsed.is_site_local:
            return False
    return parsed.is_global and not parsed.is_multicast and not parsed.is_reserved


def _embedded(address: IPv6Address) -> IPv4Address | None:
    if address in _TRANSLATED:
        return IPv4Address(int(address) & 0xFFFFFFFF)
    return address.ipv4_mapped or address.sixtofour or (address.teredo[1] if address.teredo else None)


class PublicNetwork(httpcore2.AsyncNetworkBackend):
    """Makes the connections of a pool. allow_private: whether any address will do."""

    def __init__(self, allow_private: bool) -> None:
        self._allow_private = allow_private
        self._network = httpcore2.AnyIOBackend()

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore2.AsyncNetworkStream:
        """Connects to the first address of a host that is permitted and answers.

        Raises:
            NoPictureError: the host is unknown, or none of its addresses is permitted.
            httpcore2.ConnectError, httpcore2.ConnectTimeout: none of them answers.
        """
        addresses = await self._permitted(host, port)
        for address in addresses[:-1]:
            try:
                return await self._network.connect_tcp(address, port, timeout, local_address, socket_options)
            except (httpcore2.ConnectError, httpcore2.ConnectTimeout):
                continue
        return await self._network.connect_tcp(addresses[-1], port, timeout, local_address, socket_options)

    async def _permitted(self, host: str, port: int) -> list[str]:
        try:
            found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
        except (socket.gaierror, UnicodeError) as error:
            passing = isinstance(error, socket.gaierror) and error.errno == socket.EAI_AGAIN
            raise NoPictureError(
                "no such host", f"no such host: {host}", passing=passing, answered=False
            ) from error
        addresses = list(dict.fromkeys(str(entry[4][0]) for entry in found))
        permitted = [address for address in addresses if self._allow_private or is_public(address)]
        if not permitted:
            raise NoPictureError(
                "private address",
                f"{host} is {addresses[0]}, which is no public address: --allow-private permits it",
            )
        return permitted
