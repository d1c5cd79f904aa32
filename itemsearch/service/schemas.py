"""What the service is asked and what it answers, as its OpenAPI description shows it."""

from __future__ import annotations

import base64
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, Json, WithJsonSchema
from pydantic.dataclasses import dataclass

from itemsearch.matching.results import Answer, Candidate
from itemsearch.search.results import Hit

MAX_RESULTS = 1000
MAX_QUERIES = 256


def _from_base64(text: object) -> object:
    if not isinstance(text, str):
        return text
    try:
        return base64.b64decode("".join(text.split()), validate=True)
    except ValueError as error:
        raise ValueError(f"no base64 ({error}): encode the bytes of the file, and nothing else") from error


ImageBytes = Annotated[
    bytes,
    BeforeValidator(_from_base64),
    WithJsonSchema(
        {
            "type": "string",
            "format": "base64",
            "description": "An image file (JPEG, PNG, WebP, GIF, BMP, TIFF) in base64; a file in multipart.",
        }
    ),
]
Columns = dict[str, str | int | float | bool | None]


class Request(BaseModel):
    """Unknown fields are refused, since they would be misspelled ones."""

    model_config = ConfigDict(extra="forbid")


class SearchQuery(Request):
    """An `id` of the index, or a `title` and/or an `image`."""

    id: str | None = None
    title: str = ""
    image: ImageBytes | None = None


class SearchRequest(SearchQuery):
    k: Annotated[int, Field(ge=1, le=MAX_RESULTS, description="How many results.")] = 10
    min_score: Annotated[float, Field(ge=-1, le=1, description="Least score of a result.")] = -1.0
    where: Annotated[str, Field(description="An SQL condition on the listings' columns.")] = ""
    other: Annotated[str, Field(description="A column in which results differ from the listing of `id`.")] = (
        ""
    )


class BatchRequest(Request):
    queries: Annotated[list[SearchQuery], Field(min_length=1, max_length=MAX_QUERIES)]
    k: Annotated[int, Field(ge=1, le=MAX_RESULTS)] = 10
    min_score: Annotated[float, Field(ge=-1, le=1)] = -1.0
    where: str = ""
    other: str = ""

    def requests(self) -> list[SearchRequest]:
        """Each query with the settings that all share."""
        shared = self.model_dump(exclude={"queries"})
        return [
            SearchRequest.model_construct(id=query.id, title=query.title, image=query.image, **shared)
            for query in self.queries
        ]


class MatchRequest(Request):
    """An incoming listing: a `title` and/or an `image`, and other `columns`, such as gtin or brand."""

    id: str | None = None
    title: str = ""
    image: ImageBytes | None = None
    columns: Annotated[Columns | Json[Columns], Field(description="As JSON text in multipart.")] = Field(
        default_factory=dict
    )


@dataclass(frozen=True, slots=True)
class SearchAnswer:
    """version: of the index. results: best first. incomparable: how many of the nearest listings could not
    be compared with the query, for want of a title or an image."""

    version: int
    results: tuple[Hit, ...]
    incomparable: int


@dataclass(frozen=True, slots=True)
class Failure:
    """error: one line that says what is wrong, and the remedy."""

    error: str


@dataclass(frozen=True, slots=True)
class BatchAnswer:
    """answers: in the order of the queries."""

    version: int
    answers: list[SearchAnswer | Failure]


@dataclass(frozen=True, slots=True)
class MatchAnswer:
    """As `Match` in Python. decision: match, review or new. candidates: by falling probability."""

    version: int
    query_id: str
    decision: Answer
    id: str | None
    probability: float
    reason: str
    candidates: tuple[Candidate, ...]


@dataclass(frozen=True, slots=True)
class ListingAnswer:
    """listing: its columns. thumbnail: the path of its picture; null without one."""

    version: int
    listing: dict[str, Any]
    thumbnail: str | None


@dataclass(frozen=True, slots=True)
class VersionAnswer:
    """itemsearch: the version of the program. version, created, rows, model: of the index."""

    itemsearch: str
    version: int
    created: str
    rows: int
    model: str | None


@dataclass(frozen=True, slots=True)
class Status:
    status: str
