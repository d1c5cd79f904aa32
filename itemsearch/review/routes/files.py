"""Pictures, and what pages are drawn with."""

from __future__ import annotations

from fastapi import APIRouter, HTTPException, Response

from itemsearch.review.routes.request import YEAR, AnySession
from itemsearch.review.templating import asset

routes = APIRouter()


@routes.get("/pictures/{row}-{content_hash}.jpg")
def picture(session: AnySession, row: int, content_hash: str) -> Response:
    jpeg = session.thumbnail(row)
    if jpeg is None:
        raise HTTPException(404)
    return Response(jpeg, 200, {"Cache-Control": f"private, max-age={YEAR}, immutable"}, "image/jpeg")


@routes.get("/assets/{name}")
def assets(name: str) -> Response:
    kinds = {"page.css": "text/css", "page.js": "text/javascript", "icon.svg": "image/svg+xml"}
    if name not in kinds:
        raise HTTPException(404)
    return Response(asset(name), 200, {"Cache-Control": "no-cache"}, kinds[name])
