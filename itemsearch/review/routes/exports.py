"""Groups and what people decided on them as JSON, for programs."""

from __future__ import annotations

import json
from collections.abc import Iterator

from fastapi import APIRouter
from fastapi.responses import StreamingResponse

from itemsearch.review.as_json import group_as_json
from itemsearch.review.routes.request import AnySession
from itemsearch.review.session import ReviewSession

routes = APIRouter()


@routes.get("/groups.jsonl")
def groups(session: AnySession) -> StreamingResponse:
    disposition = {"Content-Disposition": 'attachment; filename="groups.jsonl"'}
    return StreamingResponse(_lines(session), 200, disposition, "application/x-ndjson")


def _lines(session: ReviewSession) -> Iterator[str]:
    labels = session.labels()
    for group in session.groups.values():
        yield json.dumps(group_as_json(session, labels, group), ensure_ascii=False) + "\n"
