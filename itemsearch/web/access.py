"""Restricts access to a web application: to this machine, or to those with the token."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from fastapi import FastAPI, Request, Response
from fastapi.responses import JSONResponse, PlainTextResponse, RedirectResponse
from starlette.datastructures import MutableHeaders
from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from itemsearch.errors import UsageError

LOOPBACK = ("127.0.0.1", "localhost", "::1")
LEAST_TOKEN = 12
COOKIE_SECONDS = 30 * 24 * 3600
HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; img-src 'self'; style-src 'self'; script-src 'self'; connect-src 'self'; "
        "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    # Not "no-referrer": a browser would then leave out the origin of forms, which `_same_origin` checks.
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cache-Control": "no-store",
}
PROBES = ("/healthz", "/readyz")
"""Paths that a load balancer asks without a token."""


@dataclass(frozen=True, slots=True)
class Address:
    """Where an application listens.

    token: "" where only this machine has access. option: that gives the token, for messages.
    """

    host: str = "127.0.0.1"
    port: int = 8000
    token: str = ""
    option: str = "--token"

    def check(self) -> None:
        """Checks the token.

        Raises:
            UsageError: other machines have access without a token, or the token is short.
        """
        if self.host not in LOOPBACK and not self.token:
            raise UsageError(f"--host {self.host} lets other machines in: give a {self.option} as well")
        if self.token and len(self.token) < LEAST_TOKEN:
            raise UsageError(f"{self.option} has {len(self.token)} characters; take {LEAST_TOKEN} or more")


Refusal = Callable[[Request, Address], Response | None]
"""Makes the response to a request without access; None where it has access."""


def add_access_checks(
    app: FastAPI, address: Address, refusal: Refusal, pictures_from: Sequence[str] = ()
) -> None:
    """Adds checks before every route of `app`, and security headers to every response.

    pictures_from: other origins that pages may load pictures from.

    On loopback only the names of loopback are answered, so that no web site can point a name of its own here
    (DNS rebinding); elsewhere the token prevents that, since a browser sends it to no other name.
    """
    policy = HEADERS["Content-Security-Policy"].replace("img-src", " ".join(["img-src", *pictures_from]))
    headers = {**HEADERS, "Content-Security-Policy": policy}
    app.add_middleware(_Access, address=address, refusal=refusal, headers=headers)
    if address.host in LOOPBACK:
        names = ["[::1]" if name == "::1" else name for name in LOOPBACK]
        app.add_middleware(TrustedHostMiddleware, allowed_hosts=[*names, "::1"], www_redirect=False)


class _Access:
    def __init__(self, app: ASGIApp, address: Address, refusal: Refusal, headers: Mapping[str, str]) -> None:
        self.app = app
        self.address = address
        self.refusal = refusal
        self.headers = headers

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            return await self.app(scope, receive, send)
        if scope["type"] != "http":
            return None  # no application here speaks web sockets: the server then closes the connection

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in self.headers.items():
                    headers.setdefault(name, value)
            await send(message)

        answer = self.refusal(Request(scope), self.address) or self.app
        return await answer(scope, receive, send_with_headers)


def refuse_person(request: Request, address: Address) -> Response | None:
    """The `Refusal` of pages: a form comes from this application, the token once in the address, then in a
    cookie."""
    if request.method not in ("GET", "HEAD") and not _same_origin(request):
        return PlainTextResponse("This form comes from another site; nothing was saved.", 403)
    if not address.token:
        return None
    cookie = f"itemsearch-review-{address.port}"
    proof = hashlib.sha256(b"itemsearch review " + address.token.encode()).hexdigest()
    if _equal(request.cookies.get(cookie, ""), proof):
        return None
    if _equal(request.query_params.get("token", ""), address.token):
        welcome = RedirectResponse("/", 303)
        welcome.set_cookie(cookie, proof, COOKIE_SECONDS, httponly=True, samesite="lax")
        return welcome
    return PlainTextResponse("Open this application once with ?token=... at the end of its address.", 401)


def refuse_program(request: Request, address: Address) -> Response | None:
    """The `Refusal` of a service: the token in every request, and no page of another site."""
    if "origin" in request.headers and not _same_origin(request):
        return JSONResponse({"error": "a page of another site asks: this service answers programs"}, 403)
    if not address.token or request.url.path in PROBES:
        return None
    kind, _, given = request.headers.get("authorization", "").partition(" ")
    if kind.lower() == "bearer" and _equal(given.strip(), address.token):
        return None
    message = "no token, or another one: send the header Authorization: Bearer TOKEN"
    return JSONResponse({"error": message}, 401, {"WWW-Authenticate": "Bearer"})


def _equal(given: str, expected: str) -> bool:
    """Compares in a time that does not tell how much agrees."""
    return hmac.compare_digest(given.encode(), expected.encode())


def _same_origin(request: Request) -> bool:
    """Whether a request comes from a page of this application: no page can make a browser send another
    origin."""
    return request.headers.get("origin", "") == f"{request.url.scheme}://{request.headers.get('host', '')}"
