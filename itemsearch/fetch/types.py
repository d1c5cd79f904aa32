"""Defines what travels in a fetch: its settings, what is known of an address, its outcome and the account."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from itemsearch.catalog.images import MAX_PIXELS
from itemsearch.errors import UsageError


@dataclass(frozen=True, slots=True)
class FetchConfig:
    """How addresses are asked. The defaults are guesses that suit a shop's own host, not learnt from one.

    Attributes:
        per_host: requests at a time to one host.
        parallel: requests at a time to all; as many bodies of up to `max_bytes` are in memory.
        retries: how often an address is asked again after a timeout, a cut connection, a 429 or a 5xx.
        max_bytes: of a body; what is longer is cut off and refused.
        max_pixels: of a picture.
        max_seconds: for all requests to one address; the waits before retries are left out.
        max_redirects: of one request.
        rate: requests a second to one host; 0 for no limit.
        robots: whether robots.txt is honoured, its Crawl-delay too.
        allow_private: whether hosts may be in a private network or on this machine.

    Raises:
        UsageError: a value is out of range.
    """

    per_host: int = 8
    parallel: int = 32
    retries: int = 4
    max_bytes: int = 32 * 2**20
    max_pixels: int = MAX_PIXELS
    max_seconds: float = 60.0
    max_redirects: int = 5
    rate: float = 0.0
    robots: bool = False
    allow_private: bool = False

    def __post_init__(self) -> None:
        least = {
            "per_host": 1,
            "parallel": 1,
            "max_bytes": 1,
            "max_pixels": 1,
            "retries": 0,
            "max_redirects": 0,
        }
        for name, limit in least.items():
            if getattr(self, name) < limit:
                raise UsageError(f"{name} is {getattr(self, name)}: it must be {limit} or more")
        if not self.max_seconds > 0:
            raise UsageError(f"max_seconds is {self.max_seconds:g}: it must be more than 0")
        if not self.rate >= 0:
            raise UsageError(f"rate is {self.rate:g}: it must be 0, for no limit, or more")


class Result(StrEnum):
    """What became of an address. unchanged: the server said so, or sent the very bytes that were there."""

    DOWNLOADED = "downloaded"
    UNCHANGED = "unchanged"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Known:
    """A picture that an earlier run kept. etag, last_modified: as the server sent them, or ""."""

    etag: str
    last_modified: str
    content_hash: str
    format: str
    bytes: int


@dataclass(frozen=True, slots=True)
class Outcome:
    """A row of the state: what became of an address.

    Attributes:
        status: of the last answer; 0 without one.
        final_address: where redirects led.
        picture: what is kept for the address; after a failure that may pass, that of the night before.
        reason, error: of a failure: its kind, and one line; "" otherwise.
        checked: Unix time.
    """

    address: str
    result: Result
    status: int
    final_address: str
    picture: Known | None
    reason: str
    error: str
    checked: float


@dataclass(frozen=True, slots=True)
class FetchReport:
    """The account of a run: addresses = downloaded + unchanged + failed.

    Attributes:
        kept: of the failed, how many keep the picture of an earlier run.
        resumed: of the downloaded and unchanged, how many were so by a run that was stopped before.
        reasons: the failed by reason, the most frequent first.
        examples: of each reason, an address and what was wrong with it.
        bytes: of the pictures that were downloaded.
    """

    addresses: int
    downloaded: int
    unchanged: int
    failed: int
    kept: int
    resumed: int
    reasons: Mapping[str, int]
    examples: Mapping[str, str]
    bytes: int
    seconds: float


class NoPictureError(Exception):
    """Why an address has no picture; it ends a request.

    Attributes:
        reason: its kind, the same for all of a kind, as in "not a picture".
        passing: whether it may pass, so that asking again makes sense.
        answered: whether a server answered.
        wait: seconds that the server asks to wait; None if it does not.
        status: of the answer; 0 without one.
    """

    def __init__(
        self,
        reason: str,
        message: str,
        *,
        passing: bool = False,
        answered: bool = True,
        wait: float | None = None,
        status: int = 0,
    ) -> None:
        super().__init__(message)
        self.reason = reason
        self.passing = passing
        self.answered = answered
        self.wait = wait
        self.status = status
