"""What the routes take from a request, and the redirect that follows a form."""

from __future__ import annotations

from typing import Annotated
from urllib.parse import unquote, urlencode

from fastapi import Depends, Form, Request
from fastapi.responses import RedirectResponse

from itemsearch.review.pages import Pages
from itemsearch.review.session import ReviewSession
from itemsearch.review.visit import Visit

NAME = "itemsearch-name"
"""The cookie of a person's name."""
YEAR = 31_536_000
"""Seconds that a browser keeps that cookie, and a picture."""


def _session(request: Request) -> ReviewSession:
    session: ReviewSession = request.app.state.session
    return session


def _pages(request: Request) -> Pages:
    pages: Pages = request.app.state.pages
    return pages


def _visit(request: Request, did: int = 0) -> Visit:
    name: str = request.app.state.user or unquote(request.cookies.get(NAME, ""))
    return Visit(did, name)


AnyVisit = Annotated[Visit, Depends(_visit)]
AnySession = Annotated[ReviewSession, Depends(_session)]
AnyPages = Annotated[Pages, Depends(_pages)]
Back = Annotated[str, Form()]


def own(back: str) -> str:
    """An address of this application; the start for one of another site."""
    return back if back.startswith("/") and not back.startswith(("//", "/\\")) else "/"


def redirect_back(back: str, event: int) -> RedirectResponse:
    """Redirects to the page of the form, which then reports the event."""
    path, hash_mark, place = back.partition("#")
    path = own(path)
    separator = "&" if "?" in path else "?"
    return RedirectResponse(f"{path}{separator}{urlencode({'did': event})}{hash_mark}{place}", 303)
