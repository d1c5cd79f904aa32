"""Pictures of listings, small and large."""

from __future__ import annotations

from fastapi import APIRouter, HTTPException, Response

from itemsearch.review.pictures import SIDES
from itemsearch.review.routes.request import YEAR, AnySession

MINUTE = 60

routes = APIRouter()


@routes.get("/pictures/{row}-{content_hash}.jpg")
def small(session: AnySession, row: int, content_hash: str) -> Response:
    return _jpeg(session.thumbnail(row), YEAR)


@routes.get("/pictures/{side}/{row}-{content_hash}.jpg")
def large(session: AnySession, side: int, row: int, content_hash: str) -> Response:
    if side not in SIDES:
        raise HTTPException(404)
    found = session.pictures.find(row, side)
    # A file that is not there now may be there soon.
    return _jpeg(found, YEAR) if found else _jpeg(session.thumbnail(row), MINUTE)


def _jpeg(picture: bytes | None, seconds: int) -> Response:
    """A picture for a browser to keep so long: the content hash in the address changes with it."""
    if picture is None:
        raise HTTPException(404)
    kept = f"private, max-age={seconds}" + (", immutable" if seconds == YEAR else "")
    return Response(picture, 200, {"Cache-Control": kept}, "image/jpeg")
