"""The review application's pages: groups to decide, decisions, searches. All of it is server-rendered."""

from __future__ import annotations

from typing import Annotated
from urllib.parse import urlencode

from fastapi import (
    APIRouter,
    Depends,
    FastAPI,
    File,
    Form,
    HTTPException,
    Query,
    Request,
    Response,
    UploadFile,
)
from fastapi.exceptions import RequestValidationError
from fastapi.responses import HTMLResponse, RedirectResponse
from starlette.exceptions import HTTPException as AnyHTTPError

from itemsearch.catalog.images import decode_image
from itemsearch.decisions.export import as_parquet, decisions_table
from itemsearch.decisions.log import Kind, content_hashes
from itemsearch.errors import ImageError, ItemSearchError, StaleDecisionError
from itemsearch.review.access import Address, guard
from itemsearch.review.desk import Choice, Desk
from itemsearch.review.render import asset
from itemsearch.review.views import GroupFilter, Views
from itemsearch.spreadsheet import as_csv

MAX_UPLOAD = 20 * 2**20
MAX_BODY = 4 * MAX_UPLOAD
"""Beyond this a request is cut off without a page that says so."""
LATEST_DECISIONS = 200
A_YEAR = "private, max-age=31536000, immutable"

routes = APIRouter()


def build_app(desk: Desk, address: Address) -> FastAPI:
    """The application over an open desk, for requests that `address` lets in."""
    app = FastAPI(docs_url=None, redoc_url=None, openapi_url=None, max_body_size=MAX_BODY)
    app.state.desk, app.state.views = desk, Views(desk)
    app.include_router(routes)
    app.add_exception_handler(ItemSearchError, _told)
    app.add_exception_handler(AnyHTTPError, _told)
    app.add_exception_handler(RequestValidationError, _told)
    guard(app, address)
    return app


def _desk(request: Request) -> Desk:
    held: Desk = request.app.state.desk
    return held


def _views(request: Request) -> Views:
    held: Views = request.app.state.views
    return held


AnyDesk = Annotated[Desk, Depends(_desk)]
AnyViews = Annotated[Views, Depends(_views)]


@routes.get("/")
def groups(desk: AnyDesk, views: AnyViews, wanted: Annotated[GroupFilter, Query()], did: int = 0) -> Response:
    if desk.shown is None:
        return RedirectResponse("/search", 303)
    return HTMLResponse(views.groups(wanted, did))


@routes.get("/group")
def group(views: AnyViews, id: str, did: int = 0) -> HTMLResponse:
    return HTMLResponse(views.group(id, did))


@routes.get("/pairs")
def pairs(views: AnyViews, kind: str = "weakest", did: int = 0) -> HTMLResponse:
    return HTMLResponse(views.pairs(kind, did))


@routes.get("/merge")
def merge(views: AnyViews, group: str, other: str) -> HTMLResponse:
    return HTMLResponse(views.merge(group, other))


@routes.post("/decide")
def decide(
    desk: AnyDesk,
    action: Annotated[Kind, Form()],
    seen: Annotated[int, Form()],
    part: Annotated[list[str], Form()],
    shown: Annotated[list[str], Form()],
    group: Annotated[str, Form()] = "",
    ticked: Annotated[list[str] | None, Form()] = None,
    back: Annotated[str, Form()] = "/",
) -> Response:
    choice = Choice(action, group, part, seen, shown, ticked or ())
    return _back(back, desk.decide(choice))


@routes.post("/reject-one")
def reject_one(
    desk: AnyDesk,
    id: Annotated[str, Form()],
    seen: Annotated[int, Form()],
    part: Annotated[list[str], Form()],
    shown: Annotated[list[str], Form()],
    group: Annotated[str, Form()] = "",
    back: Annotated[str, Form()] = "/",
) -> Response:
    return _back(back, desk.decide(Choice(Kind.REJECT, group, part, seen, shown, [id])))


@routes.post("/undo")
def undo(desk: AnyDesk, event: Annotated[int, Form()], back: Annotated[str, Form()] = "/") -> Response:
    return _back(back, desk.decisions.undo(event))


@routes.get("/search")
def search(desk: AnyDesk, views: AnyViews, id: str = "", words: str = "") -> HTMLResponse:
    hits = desk.search(id.strip(), words) if id.strip() or words.strip() else None
    return HTMLResponse(views.search(hits, id, words))


@routes.post("/search")
def search_by_picture(
    desk: AnyDesk,
    views: AnyViews,
    picture: Annotated[UploadFile, File()],
    words: Annotated[str, Form()] = "",
) -> HTMLResponse:
    if (picture.size or 0) > MAX_UPLOAD:
        raise ImageError(f"the picture is over {MAX_UPLOAD // 2**20} MB: make it smaller")
    hits = desk.search(words=words, picture=decode_image(picture.file.read()))
    return HTMLResponse(views.search(hits, "", words, picture.filename or "a picture"))


@routes.get("/decisions")
def decisions(views: AnyViews, did: int = 0) -> HTMLResponse:
    return HTMLResponse(views.decisions(LATEST_DECISIONS, did))


@routes.get("/decisions.{kind}")
def export(desk: AnyDesk, kind: str) -> Response:
    makers = {"csv": (as_csv, "text/csv; charset=utf-8"), "parquet": (as_parquet, "application/octet-stream")}
    if kind not in makers:
        raise HTTPException(404)
    make, media = makers[kind]
    statements = desk.decisions.statements()
    hashes = content_hashes(desk.engine, {id for s in statements for id in (s.id_a, s.id_b)})
    disposition = {"Content-Disposition": f'attachment; filename="decisions.{kind}"'}
    return Response(make(decisions_table(statements, hashes)), 200, disposition, media)


@routes.get("/pictures/{row}-{content_hash}.jpg")
def picture(desk: AnyDesk, row: int, content_hash: str) -> Response:
    held = desk.thumbnail(row)
    if held is None:
        raise HTTPException(404)
    return Response(held, 200, {"Cache-Control": A_YEAR}, "image/jpeg")


@routes.get("/assets/{name}")
def assets(name: str) -> Response:
    kinds = {"page.css": "text/css", "page.js": "text/javascript", "icon.svg": "image/svg+xml"}
    if name not in kinds:
        raise HTTPException(404)
    return Response(asset(name), 200, {"Cache-Control": "no-cache"}, kinds[name])


def _back(back: str, event: int) -> RedirectResponse:
    """To the page that the form was on, which then tells what was done."""
    path, hash_mark, place = back.partition("#")
    if not path.startswith("/") or path.startswith(("//", "/\\")):
        path = "/"  # an address of our own, never another site's
    joint = "&" if "?" in path else "?"
    return RedirectResponse(f"{path}{joint}{urlencode({'did': event})}{hash_mark}{place}", 303)


def _told(request: Request, error: Exception) -> HTMLResponse:
    """What went wrong, in a line."""
    views = _views(request)
    if isinstance(error, AnyHTTPError):
        words = "There is no such page." if error.status_code == 404 else error.detail
        return HTMLResponse(views.message(words), error.status_code)
    if isinstance(error, RequestValidationError):
        field = error.errors()[0]["loc"][-1]
        return HTMLResponse(views.message(f"Not understood: {field} is missing or wrong."), 422)
    stale = isinstance(error, StaleDecisionError)
    hint = "Nothing of yours was saved: go back, reload the page and look again." if stale else ""
    return HTMLResponse(views.message(f"{error}.", hint), 409 if stale else 400)
