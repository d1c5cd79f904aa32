"""What the routes take from a request, and the redirect that follows a form."""

from __future__ import annotations

from typing import Annotated
from urllib.parse import unquote, urlencode, urlsplit

from fastapi import Depends, Form, Request
from fastapi.responses import RedirectResponse

from itemsearch.review.deliver import Deliverer
from itemsearch.review.desk import Desk, View
from itemsearch.review.pages import Pages
from itemsearch.review.session import ReviewSession
from itemsearch.review.visit import Visit

NAME = "itemsearch-name"
"""The cookie of a person's name."""
YEAR = 31_536_000
"""Seconds that a browser keeps that cookie, and a picture."""


def _desk(request: Request) -> Desk:
    desk: Desk = request.app.state.desk
    return desk


AnyDesk = Annotated[Desk, Depends(_desk)]


def _view(desk: AnyDesk) -> View:
    """One for all that a request needs, also while a newer one takes its place."""
    return desk.view


AnyView = Annotated[View, Depends(_view)]


def _session(view: AnyView) -> ReviewSession:
    return view.session


def _pages(view: AnyView) -> Pages:
    return view.pages


def _visit(request: Request, desk: AnyDesk, did: int = 0) -> Visit:
    deliverer: Deliverer | None = request.app.state.deliverer
    notice = deliverer.notice() if deliverer else ""
    return Visit(did, desk.user or unquote(request.cookies.get(NAME, "")), notice)


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


def page_before(request: Request) -> str:
    """The address of the page that a request comes from; the start where that is another site, or unknown."""
    before = urlsplit(request.headers.get("referer", ""))
    if before.netloc != request.headers.get("host") or before.path == request.url.path:
        return "/"
    return own(before.path + (f"?{before.query}" if before.query else ""))
