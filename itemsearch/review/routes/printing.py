"""The page of groups to print."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query
from fastapi.responses import HTMLResponse

from itemsearch.review.group_filter import GroupFilter
from itemsearch.review.routes.request import AnyPages, AnyVisit

routes = APIRouter()


@routes.get("/print")
def to_print(
    pages: AnyPages,
    group_filter: Annotated[GroupFilter, Query()],
    visit: AnyVisit,
    everything: Annotated[bool, Query(alias="all")] = False,
) -> HTMLResponse:
    return HTMLResponse(pages.to_print(group_filter, everything, visit))
