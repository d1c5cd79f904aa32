"""The pages of groups and pairs."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query, Response
from fastapi.responses import HTMLResponse, RedirectResponse

from itemsearch.review.group_filter import GroupFilter
from itemsearch.review.routes.request import AnyPages, AnySession, AnyVisit

routes = APIRouter()


@routes.get("/")
def groups(
    session: AnySession, pages: AnyPages, group_filter: Annotated[GroupFilter, Query()], visit: AnyVisit
) -> Response:
    if session.cards is None:
        return RedirectResponse("/search", 303)
    page = pages.sample if group_filter.sample else pages.groups
    return HTMLResponse(page(group_filter, visit))


@routes.get("/group")
def group(
    pages: AnyPages,
    id: str,
    visit: AnyVisit,
    drawn: bool = False,
    ticked: Annotated[list[str] | None, Query()] = None,
) -> HTMLResponse:
    return HTMLResponse(pages.group(id, drawn, visit, ticked or ()))


@routes.get("/pairs")
def pairs(pages: AnyPages, visit: AnyVisit, kind: str = "weakest") -> HTMLResponse:
    return HTMLResponse(pages.pairs(kind, visit))


@routes.get("/merge")
def merge(pages: AnyPages, group: str, other: str, visit: AnyVisit) -> HTMLResponse:
    return HTMLResponse(pages.merge(group, other, visit))
