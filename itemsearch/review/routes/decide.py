"""The forms by which people decide."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Annotated

from fastapi import APIRouter, Depends, Form, Response
from fastapi.responses import HTMLResponse

from itemsearch.decisions.events import Action
from itemsearch.errors import StaleDecisionError
from itemsearch.review.decision_request import DecisionRequest
from itemsearch.review.desk import View
from itemsearch.review.log_pages import Attempt
from itemsearch.review.routes.request import AnyView, AnyVisit, Back, own, redirect_back
from itemsearch.review.visit import Visit

routes = APIRouter()


def _decision(
    visit: AnyVisit,
    seen: Annotated[int, Form()],
    shown: Annotated[list[str], Form()],
    part: Annotated[list[str] | None, Form()] = None,
    group: Annotated[str, Form()] = "",
    drawn: Annotated[bool, Form()] = False,
    ticked: Annotated[list[str] | None, Form()] = None,
    content: Annotated[str, Form()] = "",
) -> DecisionRequest:
    """The fields that every form of a decision has; what the decision is, its route says."""
    return DecisionRequest(
        Action.REJECT, group, part or (), seen, shown, ticked or (), drawn, visit.who, content
    )


AnyDecision = Annotated[DecisionRequest, Depends(_decision)]


@routes.post("/decide")
def decide(
    view: AnyView, request: AnyDecision, visit: AnyVisit, action: Annotated[Action, Form()], back: Back = "/"
) -> Response:
    wanted = replace(request, action=action)
    attempt = Attempt(wanted, "/decide", ("action", action.value), own(back))
    return _record(view, visit, attempt, lambda: view.session.decide(wanted))


@routes.post("/reject-one")
def reject_one(
    view: AnyView, request: AnyDecision, visit: AnyVisit, id: Annotated[str, Form()], back: Back = "/"
) -> Response:
    wanted = replace(request, ticked=[id])
    attempt = Attempt(wanted, "/reject-one", ("id", id), own(back))
    return _record(view, visit, attempt, lambda: view.session.decide(wanted))


@routes.post("/keep")
def keep(
    view: AnyView, request: AnyDecision, visit: AnyVisit, keeper: Annotated[str, Form()], back: Back = "/"
) -> Response:
    wanted = replace(request, action=Action.KEEP)
    attempt = Attempt(wanted, "/keep", ("keeper", keeper), own(back))
    return _record(view, visit, attempt, lambda: view.session.keep(keeper, wanted))


def _record(view: View, visit: Visit, attempt: Attempt, decide: Callable[[], int]) -> Response:
    """Records a decision and goes back; where others decided meanwhile, shows what, and loses nothing."""
    try:
        return redirect_back(attempt.back, decide())
    except StaleDecisionError as error:
        return HTMLResponse(view.log.conflict(error, attempt, visit), 409)
