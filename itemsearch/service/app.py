"""The routes of the service."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from importlib.metadata import version as installed_version
from typing import Annotated, Any, TypeVar

from fastapi import APIRouter, Depends, FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from pydantic import ValidationError
from pydantic_core import to_json
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import UploadFile
from starlette.exceptions import HTTPException as AnyHTTPError
from starlette.responses import JSONResponse

from itemsearch.errors import (
    ImageError,
    ImageTooLargeError,
    ItemSearchError,
    ModelMismatchError,
    UnknownIdError,
    UsageError,
)
from itemsearch.matching.engine import Engine
from itemsearch.service import schemas
from itemsearch.service.limits import LimitRequests, ServiceLimits
from itemsearch.service.metrics import CountRequests, Metrics
from itemsearch.service.schemas import (
    BatchAnswer,
    BatchRequest,
    Failure,
    ListingAnswer,
    MatchAnswer,
    MatchRequest,
    SearchAnswer,
    SearchRequest,
    Status,
    VersionAnswer,
)
from itemsearch.service.service import Service
from itemsearch.web.access import Address, add_access_checks, refuse_program

STATUSES = (
    (UnknownIdError, 404),
    (ImageTooLargeError, 413),
    (ImageError, 422),
    (UsageError, 422),
    (ModelMismatchError, 422),
    (ItemSearchError, 500),
)
FAILURES: dict[int | str, dict[str, Any]] = {
    status: {"model": Failure, "description": description}
    for status, description in (
        (401, "No token, or another one"),
        (404, "No such listing"),
        (413, "Too many bytes or pixels"),
        (422, "Wrong input"),
        (429, "Too many requests at a time"),
        (503, "No answer in time"),
    )
}
JSON, MULTIPART = "application/json", "multipart/form-data"
A_JPEG: dict[int | str, dict[str, Any]] = {200: {"content": {"image/jpeg": {}}}}

Model = TypeVar("Model", bound=schemas.Request)

routes = APIRouter(responses=FAILURES)


def build_app(engine: Engine, address: Address, limits: ServiceLimits) -> FastAPI:
    """The application that answers from `engine` and the versions after it, for the requests that `address`
    allows."""
    metrics = Metrics()
    service = Service(engine, metrics)

    @asynccontextmanager
    async def running(app: FastAPI) -> AsyncIterator[None]:
        service.start()
        yield
        await run_in_threadpool(service.close)

    version = installed_version("itemsearch")
    app = FastAPI(title="itemsearch", version=version, docs_url=None, redoc_url=None, lifespan=running)
    app.state.service = service
    app.include_router(routes)
    for kind in (ItemSearchError, AnyHTTPError, RequestValidationError, ValidationError, Exception):
        app.add_exception_handler(kind, _failure)
    app.add_middleware(LimitRequests, limits=limits)
    add_access_checks(app, address, refuse_program)
    app.add_middleware(CountRequests, metrics=metrics)
    return app


def _service(request: Request) -> Service:
    service: Service = request.app.state.service
    return service


AnyService = Annotated[Service, Depends(_service)]


def _body_of(model: type[schemas.Request]) -> dict[str, Any]:
    """Describes a body that is JSON or, for an image as a file, multipart."""
    schema = {"schema": model.model_json_schema()}
    return {"requestBody": {"required": True, "content": dict.fromkeys((JSON, MULTIPART), schema)}}


@routes.post("/search", openapi_extra=_body_of(SearchRequest))
async def search(request: Request, service: AnyService) -> SearchAnswer:
    """Finds the listings most like one of the index, or like a title and/or an image."""
    return await service.search(await _read(request, SearchRequest))


@routes.post("/search/batch")
async def search_batch(request: BatchRequest, service: AnyService) -> BatchAnswer:
    """Searches for many queries; the answers are in their order, and all from one version."""
    return await service.search_batch(request)


@routes.post("/match", openapi_extra=_body_of(MatchRequest))
async def match(request: Request, service: AnyService) -> MatchAnswer:
    """Tells whether an incoming listing is one of the index, perhaps is, or is new."""
    return await service.match(await _read(request, MatchRequest))


@routes.get("/listings/{id:path}", response_model=ListingAnswer)
def listing(id: str, service: AnyService) -> Response:
    """The columns of a listing."""
    # Written by pydantic as it is: a column may have any type.
    body = to_json(service.listing(id), inf_nan_mode="null", bytes_mode="base64", fallback=str)
    return Response(body, media_type=JSON)


@routes.get("/thumbnails/{id:path}", response_class=Response, responses=A_JPEG)
def thumbnail(id: str, service: AnyService) -> Response:
    """The picture of a listing."""
    jpeg = service.thumbnail(id)
    if jpeg is None:
        raise AnyHTTPError(404, f"listing {id!r} has no picture")
    return Response(jpeg, media_type="image/jpeg")


@routes.get("/healthz")
async def healthz(service: AnyService) -> Status:
    """Whether the process works."""
    return Status("ok")


@routes.get("/readyz")
async def readyz(service: AnyService) -> Status:
    """Whether it answers: an index is open and its model loaded, which is so before it listens."""
    return Status("ready")


@routes.get("/version")
async def version(service: AnyService) -> VersionAnswer:
    """The versions of the program and of the index."""
    summary = service.engine.summary
    model = summary.model.name if summary.model else None
    return VersionAnswer(
        installed_version("itemsearch"), summary.version, summary.created, summary.rows, model
    )


@routes.get("/metrics", response_class=Response)
def metrics(service: AnyService) -> Response:
    """Counts in Prometheus' text format."""
    return Response(service.metrics.page(), media_type="text/plain; version=0.0.4; charset=utf-8")


async def _read(request: Request, model: type[Model]) -> Model:
    """The body of a request, JSON or multipart.

    Raises:
        ValidationError: a field is missing, unknown or wrong.
        HTTPException: it is neither.
    """
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind == JSON:
        return model.model_validate_json(await request.body())
    if kind != MULTIPART:
        raise AnyHTTPError(415, f"a body of type {kind or 'none'}: send {JSON} or {MULTIPART}")
    async with request.form(max_files=1, max_fields=20) as form:
        fields = dict(form)
        image = fields.pop("image", None)
        read = model.model_validate(fields)
        if image is None:
            return read
        if not isinstance(image, UploadFile):
            raise AnyHTTPError(422, "image: send a file")
        return read.model_copy(update={"image": await image.read()})


async def _failure(request: Request, error: Exception) -> JSONResponse:
    """One line that says what is wrong."""
    if isinstance(error, AnyHTTPError):
        return _failed(error.status_code, str(error.detail))
    if isinstance(error, RequestValidationError | ValidationError):
        first = error.errors()[0]
        place = ".".join(map(str, first["loc"])) or "body"
        return _failed(422, f"{place}: {first['msg'].removeprefix('Value error, ')}")
    status = next((status for kind, status in STATUSES if isinstance(error, kind)), 500)
    known = isinstance(error, ItemSearchError)
    return _failed(status, str(error) if known else "a fault of the service; its log tells more")


def _failed(status: int, message: str) -> JSONResponse:
    return JSONResponse({"error": " ".join(message.split())}, status)
