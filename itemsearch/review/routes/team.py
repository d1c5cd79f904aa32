"""What people who work together do: assign, note, say who they are, and go on with a newer run."""

from __future__ import annotations

from typing import Annotated
from urllib.parse import quote

from fastapi import APIRouter, Form, Query, Response
from fastapi.responses import JSONResponse, RedirectResponse

from itemsearch.decisions.events import Action
from itemsearch.errors import UsageError
from itemsearch.review.group_filter import GroupFilter
from itemsearch.review.routes.request import (
    NAME,
    YEAR,
    AnyDesk,
    AnyPages,
    AnySession,
    AnyVisit,
    Back,
    own,
    redirect_back,
)

LONGEST_NAME = 60
LONGEST_NOTE = 500
"""How many characters a name and a note have at most."""

routes = APIRouter()


@routes.post("/name")
def give_name(name: Annotated[str, Form()] = "", back: Back = "/") -> Response:
    response = RedirectResponse(own(back), 303)
    response.set_cookie(NAME, quote(name.strip()[:LONGEST_NAME]), YEAR, httponly=True, samesite="lax")
    return response


@routes.post("/assign")
def assign(
    session: AnySession,
    visit: AnyVisit,
    part: Annotated[list[str], Form()],
    to: Annotated[str, Form()] = "",
    group: Annotated[str, Form()] = "",
    back: Back = "/",
) -> Response:
    name = to.strip()[:LONGEST_NAME]
    return redirect_back(back, session.remark(Action.ASSIGN, group, part, name, visit.who))


@routes.post("/assign-all")
def assign_all(
    session: AnySession,
    pages: AnyPages,
    group_filter: Annotated[GroupFilter, Query()],
    visit: AnyVisit,
    to: Annotated[str, Form()] = "",
) -> Response:
    """Assigns all groups that pass a filter."""
    ids = [listing.id for group in pages.found(group_filter, visit.who) for listing in group.listings]
    if not ids:
        raise UsageError("no group passes the filter: there is nothing to assign")
    name = to.strip()[:LONGEST_NAME]
    return redirect_back(group_filter.address(1), session.remark(Action.ASSIGN, "", ids, name, visit.who))


@routes.post("/note")
def note(
    session: AnySession,
    visit: AnyVisit,
    part: Annotated[list[str], Form()],
    text: Annotated[str, Form()] = "",
    group: Annotated[str, Form()] = "",
    back: Back = "/",
) -> Response:
    words = " ".join(text.split())[:LONGEST_NOTE]
    return redirect_back(back, session.remark(Action.NOTE, group, part, words, visit.who))


@routes.get("/newer")
def newer(session: AnySession, stamp: str = "") -> JSONResponse:
    """What a page of the session of that stamp does not show yet, as a sentence; "" for nothing."""
    words = session.watch.newer()
    if not words and stamp != str(session.watch.opened):
        words = "A newer run was opened."
    return JSONResponse({"newer": words})


@routes.post("/newer")
def open_newer(desk: AnyDesk, back: Back = "/") -> Response:
    """Opens what is newer, for everybody. A page of one group may have none in it."""
    desk.renew()
    back = own(back)
    return RedirectResponse("/" if back.startswith(("/group", "/merge")) else back, 303)
