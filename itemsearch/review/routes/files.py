"""What pages are drawn with."""

from __future__ import annotations

from pathlib import Path

from fastapi import APIRouter, HTTPException, Response

from itemsearch.review.templating import asset

ASSETS = {
    "page.css": ("page.css", "looks.css", "viewer.css"),
    "page.js": ("page.js", "viewer.js", "ticks.js"),
    "icon.svg": ("icon.svg",),
}
"""A page loads one style sheet and one script: the names of their parts."""

routes = APIRouter()


@routes.get("/assets/{name}")
def assets(name: str) -> Response:
    kinds = {".css": "text/css", ".js": "text/javascript", ".svg": "image/svg+xml"}
    if name not in ASSETS:
        raise HTTPException(404)
    return Response(
        "".join(map(asset, ASSETS[name])), 200, {"Cache-Control": "no-cache"}, kinds[Path(name).suffix]
    )
