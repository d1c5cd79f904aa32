"""The review application: its routes, its error pages, and whom it answers."""

from __future__ import annotations

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import HTMLResponse
from starlette.exceptions import HTTPException as AnyHTTPError

from itemsearch.errors import ItemSearchError, StaleDecisionError
from itemsearch.review.pages import Pages
from itemsearch.review.routes import decide, files, groups, search
from itemsearch.review.session import ReviewSession
from itemsearch.web.access import Address, add_access_checks, refuse_person

MAX_BODY = 4 * search.MAX_UPLOAD
"""A larger request is cut off without an error page."""


def build_app(session: ReviewSession, address: Address, user: str = "", link: str = "") -> FastAPI:
    """The application of an open session, for the requests that `address` allows.

    Args:
        user: whose decisions all are; "" to ask each person for a name. link: as in `page_of`.
    """
    app = FastAPI(docs_url=None, redoc_url=None, openapi_url=None, max_body_size=MAX_BODY)
    app.state.session, app.state.pages, app.state.user = session, Pages(session, user, link), user
    for part in (groups, decide, search, files):
        app.include_router(part.routes)
    app.add_exception_handler(ItemSearchError, _error_page)
    app.add_exception_handler(AnyHTTPError, _error_page)
    app.add_exception_handler(RequestValidationError, _error_page)
    add_access_checks(app, address, refuse_person)
    return app


def _error_page(request: Request, error: Exception) -> HTMLResponse:
    """A page of one line that says what went wrong."""
    pages: Pages = request.app.state.pages
    if isinstance(error, AnyHTTPError):
        words = "There is no such page." if error.status_code == 404 else error.detail
        return HTMLResponse(pages.message(words), error.status_code)
    if isinstance(error, RequestValidationError):
        field = error.errors()[0]["loc"][-1]
        return HTMLResponse(pages.message(f"Not understood: {field} is missing or wrong."), 422)
    stale = isinstance(error, StaleDecisionError)
    hint = "Your decision was not saved: go back, reload the page and look again." if stale else ""
    return HTMLResponse(pages.message(f"{error}.", hint), 409 if stale else 400)
