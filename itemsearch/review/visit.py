"""What a request says beside its page: who asks, for which search, what was just done."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import urlencode


@dataclass(frozen=True, slots=True)
class Visit:
    """What a request tells beside its page. did: the number of the event that the page reports as done, 0 for
    none. who: the person's name, "" where it is not known. notice: that decisions are not delivered, "" for
    none."""

    did: int = 0
    who: str = ""
    notice: str = ""


@dataclass(frozen=True, slots=True)
class SearchQuery:
    """What a person searched for; "" for what was not given. picture: the name of its file. key: of the kept
    search by it."""

    id: str = ""
    words: str = ""
    picture: str = ""
    key: str = ""


def address(path: str, **query: str) -> str:
    """A path with a query string."""
    return f"{path}?{urlencode(query)}"
