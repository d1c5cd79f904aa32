"""The review application: its routes, its error pages, and whom it answers."""

from __future__ import annotations

from collections.abc import Callable

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import HTMLResponse
from starlette.exceptions import HTTPException as AnyHTTPError

from itemsearch.errors import ItemSearchError, StaleDecisionError
from itemsearch.review.as_json import event_as_json
from itemsearch.review.deliver import Deliverer
from itemsearch.review.desk import Desk
from itemsearch.review.routes import (
    accept,
    decide,
    exports,
    files,
    groups,
    log,
    pictures,
    printing,
    search,
    team,
    ticked,
)
from itemsearch.review.routes.request import page_before
from itemsearch.review.session import ReviewSession
from itemsearch.review.webhook import Webhook
from itemsearch.web.access import Address, add_access_checks, refuse_person

MAX_BODY = 4 * search.MAX_UPLOAD
"""A larger request is cut off without an error page."""


def build_app(session: ReviewSession, address: Address, user: str = "", link: str = "") -> FastAPI:
    """The application of an open session, for the requests that `address` allows.

    Args:
        user: whose decisions all are; "" to ask each person for a name. link: as in `page_of`.
    """
    app = FastAPI(docs_url=None, redoc_url=None, openapi_url=None, max_body_size=MAX_BODY)
    app.state.desk = Desk(session, user, link)
    app.state.deliverer = None
    parts = (groups, accept, decide, ticked, team, log, search, pictures, files, exports, printing)
    for part in parts:
        app.include_router(part.routes)
    app.add_exception_handler(ItemSearchError, _error_page)
    app.add_exception_handler(AnyHTTPError, _error_page)
    app.add_exception_handler(RequestValidationError, _error_page)
    add_access_checks(app, address, refuse_person, session.pictures.origins)
    return app


def deliver(app: FastAPI, webhook: Webhook, say: Callable[[str], None]) -> Deliverer:
    """What delivers the decisions on the application's session to a webhook, while it is `running`; pages
    tell its trouble. say: as in `Deliverer`."""
    desk: Desk = app.state.desk
    log = desk.view.session.decisions
    deliverer = Deliverer(webhook, log, lambda event: event_as_json(desk.view.session, event), say)
    app.state.deliverer = deliverer
    return deliverer


def _error_page(request: Request, error: Exception) -> HTMLResponse:
    """A page of one line that says what went wrong, and a way back."""
    desk: Desk = request.app.state.desk
    back = page_before(request)
    if isinstance(error, AnyHTTPError):
        words = "There is no such page." if error.status_code == 404 else error.detail
        return HTMLResponse(desk.view.pages.message(words, back), error.status_code)
    if isinstance(error, RequestValidationError):
        field = error.errors()[0]["loc"][-1]
        words = f"Not understood: {field} is missing or wrong."
        return HTMLResponse(desk.view.pages.message(words, back), 422)
    status = 409 if isinstance(error, StaleDecisionError) else 400
    return HTMLResponse(desk.view.pages.message(f"{error}.", back), status)
