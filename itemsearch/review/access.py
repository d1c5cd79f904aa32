"""Restricts access to the review application: to this machine, or to people with the token."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from fastapi import FastAPI, Request, Response
from fastapi.responses import PlainTextResponse, RedirectResponse
from starlette.middleware.trustedhost import TrustedHostMiddleware

from itemsearch.errors import UsageError

LOOPBACK = ("127.0.0.1", "localhost", "::1")
LEAST_TOKEN = 12
COOKIE_SECONDS = 30 * 24 * 3600
HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; img-src 'self'; style-src 'self'; script-src 'self'; form-action 'self'; "
        "base-uri 'none'; frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    # Not "no-referrer": a browser would then leave out the origin of forms, which `_same_origin` checks.
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}

Next = Callable[[Request], Awaitable[Response]]


@dataclass(frozen=True, slots=True)
class Address:
    """Where the application listens. token: "" where only this machine has access."""

    host: str = "127.0.0.1"
    port: int = 8000
    token: str = ""

    def check(self) -> None:
        """Checks the token.

        Raises:
            UsageError: other machines have access without a token, or the token is short.
        """
        if self.host not in LOOPBACK and not self.token:
            raise UsageError(f"--host {self.host} lets other machines in: give a --token as well")
        if self.token and len(self.token) < LEAST_TOKEN:
            raise UsageError(f"--token has {len(self.token)} characters; take {LEAST_TOKEN} or more")


def add_access_checks(app: FastAPI, address: Address) -> None:
    """Adds checks before every route of `app`, and security headers to every response.

    On loopback only the names of loopback are answered, so that no web site can point a name of its own here
    (DNS rebinding); elsewhere the cookie of the token prevents that, since a browser sends it to no other
    name.
    """

    @app.middleware("http")
    async def check(request: Request, call_next: Next) -> Response:
        response = _refusal(request, address) or await call_next(request)
        for name, value in HEADERS.items():
            response.headers.setdefault(name, value)
        response.headers.setdefault("Cache-Control", "no-store")
        return response

    if address.host in LOOPBACK:
        names = ["[::1]" if name == "::1" else name for name in LOOPBACK]
        app.add_middleware(TrustedHostMiddleware, allowed_hosts=[*names, "::1"], www_redirect=False)


def _refusal(request: Request, address: Address) -> Response | None:
    """The response to a request without access; None where it has access."""
    if request.method not in ("GET", "HEAD") and not _same_origin(request):
        return PlainTextResponse("This form comes from another site; nothing was saved.", 403)
    if not address.token:
        return None
    cookie = f"itemsearch-review-{address.port}"
    proof = hashlib.sha256(b"itemsearch review " + address.token.encode()).hexdigest()
    if hmac.compare_digest(request.cookies.get(cookie, "").encode(), proof.encode()):
        return None
    if hmac.compare_digest(request.query_params.get("token", "").encode(), address.token.encode()):
        welcome = RedirectResponse("/", 303)
        welcome.set_cookie(cookie, proof, COOKIE_SECONDS, httponly=True, samesite="lax")
        return welcome
    return PlainTextResponse("Open this application once with ?token=... at the end of its address.", 401)


def _same_origin(request: Request) -> bool:
    """Whether a form comes from this application: no page can make a browser send another origin."""
    return request.headers.get("origin", "") == f"{request.url.scheme}://{request.headers.get('host', '')}"
