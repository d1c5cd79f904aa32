"""Decisions on the listings of a group that are ticked, alone."""

from __future__ import annotations

from dataclasses import replace

from fastapi import APIRouter, Response

from itemsearch.decisions.events import Action
from itemsearch.review.routes.decide import AnyDecision
from itemsearch.review.routes.request import AnySession, Back, redirect_back

routes = APIRouter()


@routes.post("/confirm-ticked")
def confirm_ticked(session: AnySession, request: AnyDecision, back: Back = "/") -> Response:
    ticked = replace(request, action=Action.CONFIRM, part=request.ticked, ticked=())
    return redirect_back(back, session.decide(ticked))
