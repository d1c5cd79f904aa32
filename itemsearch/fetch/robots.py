"""Honours robots.txt: each host's is read once, before its first picture."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import httpx2
from protego import Protego

from itemsearch.fetch.types import NoPictureError


class Robots:
    """What the hosts of a run allow.

    agent: the name that the rules are looked up by. read: gives the text of a robots.txt; None where it
    cannot be had, which forbids everything (RFC 9309). slow_down: is told the Crawl-delay of a host.
    """

    def __init__(
        self,
        agent: str,
        read: Callable[[str], Awaitable[str | None]],
        slow_down: Callable[[str, float], None],
    ) -> None:
        self._agent = agent
        self._read = read
        self._slow_down = slow_down
        self._rules: dict[str, asyncio.Task[Protego | None]] = {}

    async def check(self, url: httpx2.URL) -> None:
        """
        Raises:
            NoPictureError: the host forbids the address, or does not say.
        """
        place = str(url.copy_with(userinfo=b"", raw_path=b"/robots.txt", fragment=None))
        if place not in self._rules:
            self._rules[place] = asyncio.create_task(self._parsed(place))
        rules = await asyncio.shield(self._rules[place])
        if rules is None:
            self._rules.pop(place, None)  # a retry reads it again
            message = f"{place} cannot be read, which forbids everything"
            raise NoPictureError("robots.txt", message, passing=True, answered=False)
        if not rules.can_fetch(str(url), self._agent):
            raise NoPictureError("robots.txt", f"{place} forbids it")

    async def _parsed(self, place: str) -> Protego | None:
        text = await self._read(place)
        if text is None:
            return None
        rules = Protego.parse(text)
        if delay := rules.crawl_delay(self._agent):
            self._slow_down(place, delay)
        return rules
