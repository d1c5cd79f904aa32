"""A webhook: an address that gets every decision as a signed POST request.

Headers and signature are those of Standard Webhooks (standardwebhooks.com), for which most languages have a
library that checks them.
"""

from __future__ import annotations

import base64
import binascii
import hmac
import json
import time
from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256
from typing import Any, Self

import httpx2

from itemsearch.errors import ReviewError, UsageError

SECRET = "ITEMSEARCH_WEBHOOK_SECRET"
"""The environment variable of the secret."""
PREFIX = "whsec_"
SECRET_BYTES = (24, 64)
TIMEOUT = 10.0
"""Seconds to connect, and to wait for a part of the answer."""


@dataclass(frozen=True, slots=True)
class Webhook:
    """url: of the receiver. secret: what signs requests; empty for none."""

    url: str
    secret: bytes = b""

    @classmethod
    def parse(cls, url: str, secret: str) -> Self:
        """Checks an address and a secret such as "whsec_...", "" for none. Addresses of this machine and of
        private networks are allowed.

        Raises:
            UsageError: either cannot be used.
        """
        try:
            parts = httpx2.URL(url)
            usable = parts.scheme in ("http", "https") and parts.host
        except httpx2.InvalidURL:
            usable = False
        if not usable:
            raise UsageError(f"--on-decision {url!r}: write a web address, such as https://shop/decisions")
        return cls(url, _secret_bytes(secret) if secret else b"")

    @property
    def place(self) -> str:
        """Scheme and host, for people to read: the rest of an address may hold a password."""
        parts = httpx2.URL(self.url)
        return f"{parts.scheme}://{parts.host}{f':{parts.port}' if parts.port else ''}"

    @property
    def fingerprint(self) -> str:
        """Tells the address from others, without telling it."""
        return sha256(self.url.encode()).hexdigest()[:16]

    def post(self, client: httpx2.Client, message: Mapping[str, Any]) -> None:
        """Sends a message with an "id", and returns when the receiver has it.

        Raises:
            ReviewError: the receiver answers with another status than 2xx; redirects are not followed.
            httpx2.HTTPError: it does not answer.
        """
        body = json.dumps(message, ensure_ascii=False).encode()
        headers = self.headers(message["id"], int(time.time()), body)
        with client.stream("POST", self.url, content=body, headers=headers) as response:
            if not response.is_success:
                raise ReviewError(f"it answers {response.status_code} {response.reason_phrase}".rstrip())

    def headers(self, id: str, at: int, body: bytes) -> dict[str, str]:
        """The headers of a request; at: seconds since 1970."""
        headers = {
            "Content-Type": "application/json",
            "User-Agent": "itemsearch",
            "webhook-id": id,
            "webhook-timestamp": str(at),
        }
        if self.secret:
            digest = hmac.digest(self.secret, f"{id}.{at}.".encode() + body, "sha256")
            headers["webhook-signature"] = f"v1,{base64.b64encode(digest).decode()}"
        return headers


def _secret_bytes(secret: str) -> bytes:
    least, most = SECRET_BYTES
    try:
        key = base64.b64decode(secret.removeprefix(PREFIX), validate=True)
    except binascii.Error:
        key = b""
    if not secret.startswith(PREFIX) or not least <= len(key) <= most:
        raise UsageError(
            f"{SECRET} is {PREFIX} and {least} to {most} random bytes in base64: "
            f'{SECRET}="{PREFIX}$(openssl rand -base64 32)"'
        )
    return key
