"""The routes of the review application. All of its pages are rendered on the server."""

from __future__ import annotations

from dataclasses import replace
from typing import Annotated
from urllib.parse import quote, unquote, urlencode

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
from itemsearch.decisions.log import Action
from itemsearch.decisions.of_index import content_hashes
from itemsearch.errors import ImageError, ItemSearchError, StaleDecisionError
from itemsearch.review.pages import GroupFilter, Pages, SearchQuery, Visit
from itemsearch.review.session import DecisionRequest, ReviewSession
from itemsearch.review.templating import asset
from itemsearch.spreadsheet import as_csv
from itemsearch.web.access import Address, add_access_checks, refuse_person

MAX_UPLOAD = 20 * 2**20
MAX_BODY = 4 * MAX_UPLOAD
"""A larger request is cut off without an error page."""
LATEST_DECISIONS = 200
YEAR = 31_536_000
NAME, LONGEST_NAME = "itemsearch-name", 60
"""The cookie of a person's name, and how many characters a name has at most."""

routes = APIRouter()


def build_app(session: ReviewSession, address: Address, user: str = "", link: str = "") -> FastAPI:
    """The application of an open session, for the requests that `address` allows.

    Args:
        user: whose decisions all are; "" to ask each person for a name. link: as in `page_of`.
    """
    app = FastAPI(docs_url=None, redoc_url=None, openapi_url=None, max_body_size=MAX_BODY)
    app.state.session, app.state.pages, app.state.user = session, Pages(session, user, link), user
    app.include_router(routes)
    app.add_exception_handler(ItemSearchError, _error_page)
    app.add_exception_handler(AnyHTTPError, _error_page)
    app.add_exception_handler(RequestValidationError, _error_page)
    add_access_checks(app, address, refuse_person)
    return app


def _session(request: Request) -> ReviewSession:
    session: ReviewSession = request.app.state.session
    return session


def _pages(request: Request) -> Pages:
    pages: Pages = request.app.state.pages
    return pages


def _visit(request: Request, did: int = 0) -> Visit:
    name: str = request.app.state.user or unquote(request.cookies.get(NAME, ""))
    return Visit(did, name)


AnyVisit = Annotated[Visit, Depends(_visit)]
AnySession = Annotated[ReviewSession, Depends(_session)]
AnyPages = Annotated[Pages, Depends(_pages)]


@routes.get("/")
def groups(
    session: AnySession, pages: AnyPages, group_filter: Annotated[GroupFilter, Query()], visit: AnyVisit
) -> Response:
    if session.cards is None:
        return RedirectResponse("/search", 303)
    page = pages.sample if group_filter.sample else pages.groups
    return HTMLResponse(page(group_filter, visit))


@routes.get("/group")
def group(pages: AnyPages, id: str, visit: AnyVisit, drawn: bool = False) -> HTMLResponse:
    return HTMLResponse(pages.group(id, drawn, visit))


@routes.get("/pairs")
def pairs(pages: AnyPages, visit: AnyVisit, kind: str = "weakest") -> HTMLResponse:
    return HTMLResponse(pages.pairs(kind, visit))


@routes.get("/merge")
def merge(pages: AnyPages, group: str, other: str, visit: AnyVisit) -> HTMLResponse:
    return HTMLResponse(pages.merge(group, other, visit))


@routes.get("/accept")
def preview(pages: AnyPages, group_filter: Annotated[GroupFilter, Query()], visit: AnyVisit) -> HTMLResponse:
    return HTMLResponse(pages.accept(group_filter, visit))


@routes.post("/accept")
def accept(
    session: AnySession,
    pages: AnyPages,
    group_filter: Annotated[GroupFilter, Query()],
    visit: AnyVisit,
    seen: Annotated[int, Form()],
) -> Response:
    event = session.accept(pages.acceptable(group_filter), seen, visit.who)
    return _back(group_filter.address(1), event)


def _decision(
    visit: AnyVisit,
    seen: Annotated[int, Form()],
    shown: Annotated[list[str], Form()],
    part: Annotated[list[str] | None, Form()] = None,
    group: Annotated[str, Form()] = "",
    drawn: Annotated[bool, Form()] = False,
    ticked: Annotated[list[str] | None, Form()] = None,
) -> DecisionRequest:
    """The fields that every form of a decision has; what the decision is, its route says."""
    return DecisionRequest(Action.REJECT, group, part or (), seen, shown, ticked or (), drawn, visit.who)


AnyDecision = Annotated[DecisionRequest, Depends(_decision)]
Back = Annotated[str, Form()]


@routes.post("/decide")
def decide(
    session: AnySession, request: AnyDecision, action: Annotated[Action, Form()], back: Back = "/"
) -> Response:
    return _back(back, session.decide(replace(request, action=action)))


@routes.post("/reject-one")
def reject_one(
    session: AnySession, request: AnyDecision, id: Annotated[str, Form()], back: Back = "/"
) -> Response:
    return _back(back, session.decide(replace(request, ticked=[id])))


@routes.post("/keep")
def keep(
    session: AnySession, request: AnyDecision, keeper: Annotated[str, Form()], back: Back = "/"
) -> Response:
    return _back(back, session.keep(keeper, request))


@routes.post("/undo")
def undo(session: AnySession, visit: AnyVisit, event: Annotated[int, Form()], back: Back = "/") -> Response:
    return _back(back, session.decisions.undo(event, visit.who))


@routes.post("/name")
def give_name(name: Annotated[str, Form()] = "", back: Back = "/") -> Response:
    response = RedirectResponse(_own(back), 303)
    response.set_cookie(NAME, quote(name.strip()[:LONGEST_NAME]), YEAR, httponly=True, samesite="lax")
    return response


@routes.get("/search")
def search(
    session: AnySession, pages: AnyPages, visit: AnyVisit, id: str = "", words: str = ""
) -> HTMLResponse:
    query = SearchQuery(id.strip(), words)
    hits = session.search(query.id, words) if query.id or words.strip() else None
    return HTMLResponse(pages.search(hits, query, visit))


@routes.post("/search")
def search_by_picture(
    session: AnySession,
    pages: AnyPages,
    visit: AnyVisit,
    picture: Annotated[UploadFile, File()],
    words: Annotated[str, Form()] = "",
) -> HTMLResponse:
    if (picture.size or 0) > MAX_UPLOAD:
        raise ImageError(f"the picture is over {MAX_UPLOAD // 2**20} MB: make it smaller")
    hits = session.search(words=words, picture=decode_image(picture.file.read()))
    return HTMLResponse(pages.search(hits, SearchQuery("", words, picture.filename or "a picture"), visit))


@routes.get("/decisions")
def decisions(pages: AnyPages, visit: AnyVisit) -> HTMLResponse:
    return HTMLResponse(pages.decisions(LATEST_DECISIONS, visit))


@routes.get("/decisions.{kind}")
def export(session: AnySession, kind: str) -> Response:
    makers = {"csv": (as_csv, "text/csv; charset=utf-8"), "parquet": (as_parquet, "application/octet-stream")}
    if kind not in makers:
        raise HTTPException(404)
    make, media = makers[kind]
    labels = session.decisions.labels()
    hashes = content_hashes(session.engine, {id for each in labels for id in (each.id_a, each.id_b)})
    disposition = {"Content-Disposition": f'attachment; filename="decisions.{kind}"'}
    return Response(make(decisions_table(labels, hashes)), 200, disposition, media)


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


def _own(back: str) -> str:
    """An address of this application; the start for one of another site."""
    return back if back.startswith("/") and not back.startswith(("//", "/\\")) else "/"


def _back(back: str, event: int) -> RedirectResponse:
    """Redirects to the page of the form, which then reports the event."""
    path, hash_mark, place = back.partition("#")
    path = _own(path)
    separator = "&" if "?" in path else "?"
    return RedirectResponse(f"{path}{separator}{urlencode({'did': event})}{hash_mark}{place}", 303)


def _error_page(request: Request, error: Exception) -> HTMLResponse:
    """A page of one line that says what went wrong."""
    pages = _pages(request)
    if isinstance(error, AnyHTTPError):
        words = "There is no such page." if error.status_code == 404 else error.detail
        return HTMLResponse(pages.message(words), error.status_code)
    if isinstance(error, RequestValidationError):
        field = error.errors()[0]["loc"][-1]
        return HTMLResponse(pages.message(f"Not understood: {field} is missing or wrong."), 422)
    stale = isinstance(error, StaleDecisionError)
    hint = "Your decision was not saved: go back, reload the page and look again." if stale else ""
    return HTMLResponse(pages.message(f"{error}.", hint), 409 if stale else 400)
