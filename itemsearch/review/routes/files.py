"""What pages are drawn with."""

from __future__ import annotations

from pathlib import Path

from fastapi import APIRouter, HTTPException, Response

from itemsearch.review.templating import asset

ASSETS = (
    *("page.css", "looks.css", "viewer.css", "print.css", "team.css", "icon.svg"),
    *("page.js", "viewer.js", "ticks.js", "speak.js", "print.js", "team.js"),
)

routes = APIRouter()


@routes.get("/assets/{name}")
def assets(name: str) -> Response:
    kinds = {".css": "text/css", ".js": "text/javascript", ".svg": "image/svg+xml"}
    if name not in ASSETS:
        raise HTTPException(404)
    return Response(asset(name), 200, {"Cache-Control": "no-cache"}, kinds[Path(name).suffix])
