"""The forms by which people decide, and the decisions so far."""

from __future__ import annotations

from dataclasses import replace
from typing import Annotated
from urllib.parse import quote

from fastapi import APIRouter, Depends, Form, HTTPException, Query, Response
from fastapi.responses import HTMLResponse, RedirectResponse

from itemsearch.decisions.export import as_parquet, decisions_table
from itemsearch.decisions.log import Action
from itemsearch.decisions.of_index import content_hashes
from itemsearch.review.routes.request import (
    NAME,
    YEAR,
    AnyPages,
    AnySession,
    AnyVisit,
    Back,
    own,
    redirect_back,
)
from itemsearch.review.session import DecisionRequest
from itemsearch.review.visit import GroupFilter
from itemsearch.spreadsheet import as_csv

LATEST_DECISIONS = 200
LONGEST_NAME = 60
"""How many characters a name has at most."""

routes = APIRouter()


@routes.post("/accept")
def accept(
    session: AnySession,
    pages: AnyPages,
    group_filter: Annotated[GroupFilter, Query()],
    visit: AnyVisit,
    seen: Annotated[int, Form()],
) -> Response:
    event = session.accept(pages.acceptable(group_filter), seen, visit.who)
    return redirect_back(group_filter.address(1), event)


def _decision(
    visit: AnyVisit,
    seen: Annotated[int, Form()],
    shown: Annotated[list[str], Form()],
    part: Annotated[list[str] | None, Form()] = None,
    group: Annotated[str, Form()] = "",
    drawn: Annotated[bool, Form()] = False,
    ticked: Annotated[list[str] | None, Form()] = None,
) -> DecisionRequest:
    """The fields that every form of a decision has; what the decision is, its route says."""
    return DecisionRequest(Action.REJECT, group, part or (), seen, shown, ticked or (), drawn, visit.who)


AnyDecision = Annotated[DecisionRequest, Depends(_decision)]


@routes.post("/decide")
def decide(
    session: AnySession, request: AnyDecision, action: Annotated[Action, Form()], back: Back = "/"
) -> Response:
    return redirect_back(back, session.decide(replace(request, action=action)))


@routes.post("/reject-one")
def reject_one(
    session: AnySession, request: AnyDecision, id: Annotated[str, Form()], back: Back = "/"
) -> Response:
    return redirect_back(back, session.decide(replace(request, ticked=[id])))


@routes.post("/keep")
def keep(
    session: AnySession, request: AnyDecision, keeper: Annotated[str, Form()], back: Back = "/"
) -> Response:
    return redirect_back(back, session.keep(keeper, request))


@routes.post("/undo")
def undo(session: AnySession, visit: AnyVisit, event: Annotated[int, Form()], back: Back = "/") -> Response:
    return redirect_back(back, session.decisions.undo(event, visit.who))


@routes.post("/name")
def give_name(name: Annotated[str, Form()] = "", back: Back = "/") -> Response:
    response = RedirectResponse(own(back), 303)
    response.set_cookie(NAME, quote(name.strip()[:LONGEST_NAME]), YEAR, httponly=True, samesite="lax")
    return response


@routes.get("/decisions")
def decisions(pages: AnyPages, visit: AnyVisit) -> HTMLResponse:
    return HTMLResponse(pages.decisions(LATEST_DECISIONS, visit))


@routes.get("/decisions.{kind}")
def export(session: AnySession, kind: str) -> Response:
    makers = {"csv": (as_csv, "text/csv; charset=utf-8"), "parquet": (as_parquet, "application/octet-stream")}
    if kind not in makers:
        raise HTTPException(404)
    make, media = makers[kind]
    labels = session.decisions.labels()
    hashes = content_hashes(session.engine, {id for each in labels for id in (each.id_a, each.id_b)})
    disposition = {"Content-Disposition": f'attachment; filename="decisions.{kind}"'}
    return Response(make(decisions_table(labels, hashes)), 200, disposition, media)
