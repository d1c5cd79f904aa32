"""The decisions so far: who made them, how to take them back, and their export."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Form, HTTPException, Query, Response
from fastapi.responses import HTMLResponse

from itemsearch.decisions.export import as_json, as_parquet, decisions_table
from itemsearch.review.log_pages import LogFilter
from itemsearch.review.routes.request import AnySession, AnyView, AnyVisit, Back, redirect_back
from itemsearch.spreadsheet import as_csv

routes = APIRouter()


@routes.post("/undo")
def undo(session: AnySession, visit: AnyVisit, event: Annotated[int, Form()], back: Back = "/") -> Response:
    return redirect_back(back, session.decisions.undo(event, visit.who))


@routes.get("/decisions")
def decisions(view: AnyView, log_filter: Annotated[LogFilter, Query()], visit: AnyVisit) -> HTMLResponse:
    return HTMLResponse(view.log.decisions(log_filter, visit))


@routes.get("/steps")
def steps(view: AnyView, visit: AnyVisit) -> HTMLResponse:
    return HTMLResponse(view.log.steps(visit))


@routes.get("/decisions.{kind}")
def export(session: AnySession, kind: str) -> Response:
    makers = {
        "csv": (as_csv, "text/csv; charset=utf-8"),
        "json": (as_json, "application/json"),
        "parquet": (as_parquet, "application/octet-stream"),
    }
    if kind not in makers:
        raise HTTPException(404)
    make, media = makers[kind]
    labels = session.decisions.labels()
    hashes = session.current.content_hashes({id for each in labels for id in (each.id_a, each.id_b)})
    disposition = {"Content-Disposition": f'attachment; filename="decisions.{kind}"'}
    table = decisions_table(labels, hashes, session.labels().remarks)
    return Response(make(table), 200, disposition, media)
