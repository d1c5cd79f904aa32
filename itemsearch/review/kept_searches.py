"""Keeps the results of searches by picture, so that their page has an address like any other: going back to
it, or deciding on it, uploads nothing again."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import blake2b
from threading import Lock

from itemsearch.errors import UsageError
from itemsearch.search.results import Hit

MOST = 200
"""So many searches are kept, the latest: 24 results each."""


@dataclass(frozen=True, slots=True)
class KeptSearch:
    """A search by a picture, of which the file had this name, and words, "" for none."""

    name: str
    words: str
    hits: Sequence[Hit]


class KeptSearches:
    """The latest searches by picture, by key; threads may share them."""

    def __init__(self) -> None:
        self._kept: OrderedDict[str, KeptSearch] = OrderedDict()
        self._lock = Lock()

    def keep(self, picture: bytes, search: KeptSearch) -> str:
        """Keeps a search, and returns its key."""
        key = blake2b(picture + f"\0{search.name}\0{search.words}".encode(), digest_size=12).hexdigest()
        with self._lock:
            self._kept[key] = search
            self._kept.move_to_end(key)
            if len(self._kept) > MOST:
                self._kept.popitem(last=False)
        return key

    def get(self, key: str) -> KeptSearch:
        """The search of a key.

        Raises:
            UsageError: it is no longer kept.
        """
        with self._lock:
            if key not in self._kept:
                raise UsageError("this search by a picture was some time ago: choose the picture again")
            return self._kept[key]
