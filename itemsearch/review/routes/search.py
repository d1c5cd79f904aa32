"""The page of searches."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, File, Form, UploadFile
from fastapi.responses import HTMLResponse, RedirectResponse

from itemsearch.catalog.images import decode_image
from itemsearch.errors import ImageError
from itemsearch.review.kept_searches import KeptSearch
from itemsearch.review.routes.request import AnyPages, AnySession, AnyVisit
from itemsearch.review.visit import SearchQuery, address

MAX_UPLOAD = 20 * 2**20
"""Bytes of a picture to search for."""

routes = APIRouter()


@routes.get("/search")
def search(
    session: AnySession, pages: AnyPages, visit: AnyVisit, id: str = "", words: str = "", picture: str = ""
) -> HTMLResponse:
    if picture:
        kept = session.by_picture.get(picture)
        return HTMLResponse(pages.search(kept.hits, SearchQuery("", kept.words, kept.name, picture), visit))
    query = SearchQuery(id.strip(), words)
    hits = session.search(query.id, words) if query.id or words.strip() else None
    return HTMLResponse(pages.search(hits, query, visit))


@routes.post("/search")
def search_by_picture(
    session: AnySession, picture: Annotated[UploadFile, File()], words: Annotated[str, Form()] = ""
) -> RedirectResponse:
    if (picture.size or 0) > MAX_UPLOAD:
        raise ImageError(f"the picture is over {MAX_UPLOAD // 2**20} MB: make it smaller")
    content = picture.file.read()
    hits = session.search(words=words, picture=decode_image(content))
    key = session.by_picture.keep(content, KeptSearch(picture.filename or "a picture", words, hits))
    return RedirectResponse(address("/search", picture=key), 303)
