"""Accepting many groups in one step: what passes a filter, or what a page shows."""

from __future__ import annotations

from typing import Annotated, Literal

from fastapi import APIRouter, Form, Query, Response
from fastapi.responses import HTMLResponse

from itemsearch.errors import StaleDecisionError
from itemsearch.review.group_filter import GroupFilter
from itemsearch.review.routes.request import AnyPages, AnySession, AnyVisit, redirect_back

routes = APIRouter()


@routes.get("/accept")
def preview(
    pages: AnyPages,
    group_filter: Annotated[GroupFilter, Query()],
    visit: AnyVisit,
    only: Literal["", "page"] = "",
) -> HTMLResponse:
    return HTMLResponse(pages.accept(group_filter, visit, only == "page"))


@routes.post("/accept")
def accept(
    session: AnySession,
    pages: AnyPages,
    group_filter: Annotated[GroupFilter, Query()],
    visit: AnyVisit,
    seen: Annotated[int, Form()],
    stamp: Annotated[str, Form()] = "",
    chosen: Annotated[list[str] | None, Form()] = None,
) -> Response:
    """chosen: the groups of a page; by default all that pass the filter. stamp: of the session that made the
    preview; another session may have other groups."""
    if stamp and stamp != str(session.watch.opened):
        raise StaleDecisionError("a newer run was opened since this page was made: look at its groups first")
    groups = pages.acceptable(group_filter, visit.who)
    if chosen is not None:
        groups = [group for group in groups if group.id in set(chosen)]
    event = session.accept(groups, seen, visit.who)
    return redirect_back(group_filter.address(1), event)
