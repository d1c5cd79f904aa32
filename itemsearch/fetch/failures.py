"""Names what goes wrong with an address, and tells what may pass, so that asking again makes sense."""

from __future__ import annotations

import time
from email.utils import parsedate_to_datetime

import httpcore2
import httpx2

from itemsearch.fetch.types import NoPictureError

_PASSING = frozenset({408, 425, 429, *range(500, 600)})


def as_failure(error: Exception, max_seconds: float) -> NoPictureError:
    """What an error of `PictureClient.ask` is called."""
    text = str(error) or type(error).__name__
    match error:
        case NoPictureError():
            return error
        case TimeoutError():
            message = f"not done after {max_seconds:g} seconds"
            return NoPictureError("timed out", message, passing=True, answered=False)
        case httpcore2.TimeoutException():
            what = "to connect" if isinstance(error, httpcore2.ConnectTimeout) else "for an answer"
            return NoPictureError("timed out", f"waited in vain {what}", passing=True, answered=False)
        case httpcore2.ConnectError() if "CERTIFICATE_VERIFY_FAILED" in text:
            return NoPictureError("certificate", f"the certificate is not trusted: {text}")
        case httpcore2.ConnectError():
            return NoPictureError("cannot connect", f"cannot connect: {text}", passing=True, answered=False)
        case httpx2.DecodingError():
            return NoPictureError("not decodable", f"the body is not in its Content-Encoding: {text}")
        case httpcore2.NetworkError() | httpcore2.ProtocolError():
            return NoPictureError("connection cut", f"the connection was cut: {text}", passing=True)
        case _:
            return NoPictureError("unexpected", f"{type(error).__name__}: {text}")


def check_status(response: httpx2.Response) -> None:
    """
    Raises:
        NoPictureError: the answer is another than 200.
    """
    status = response.status_code
    if status == 200:
        return
    message = f"status {status} {response.reason_phrase}".rstrip()
    wait = _retry_after(response.headers.get("retry-after", "")) if status in (429, 503) else None
    raise NoPictureError(f"status {status}", message, passing=status in _PASSING, wait=wait, status=status)


def _retry_after(value: str) -> float | None:
    """Seconds of a Retry-After header, which holds seconds or a date; None where it is missing or neither."""
    if value.strip().isdecimal():
        return float(value)
    try:
        return max(0.0, parsedate_to_datetime(value).timestamp() - time.time())
    except ValueError:
        return None
