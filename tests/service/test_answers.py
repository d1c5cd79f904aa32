"""The service answers what the engine answers."""

from __future__ import annotations

import base64
import io
import re
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from support.catalogs import draw_picture, titles
from support.services import Running

from itemsearch import Engine, Result
from itemsearch.catalog.placeholders import image_digest


@pytest.fixture(scope="module")
def engine(index: Path) -> Engine:
    return Engine.open(index)


def png(picture: Image.Image) -> bytes:
    buffer = io.BytesIO()
    picture.save(buffer, "PNG")
    return buffer.getvalue()


def as_json(result: Result) -> dict[str, Any]:
    return {
        "version": 1,
        "results": [asdict(hit) for hit in result.hits],
        "incomparable": result.incomparable,
    }


def one_line_error(running: Running, path: str, body: Any, status: int = 422) -> str:
    response = running.client.post(path, json=body)
    assert response.status_code == status, response.text
    (error,) = response.json().values()
    assert "\n" not in error
    return error


@pytest.mark.parametrize(
    "query",
    [
        {"id": "00012"},
        {"id": "00012", "k": 3, "min_score": 0.4},
        {"id": "00012", "where": "category = 'mug'"},
        {"id": "00012", "other": "category", "k": 5},
        {"title": "Red Mug model 7"},
        {"title": "Red Mug model 7", "where": "price::double < 20", "k": 4},
    ],
)
def test_a_search_is_that_of_the_engine(running: Running, engine: Engine, query: dict[str, Any]) -> None:
    assert running.post("/search", query) == as_json(engine.search(**query))


def test_a_picture_is_base64_or_a_file(running: Running, engine: Engine) -> None:
    picture = draw_picture(7)
    alone, both = engine.search(image=picture), engine.search(image=picture, title="Mug", k=3)
    encoded = base64.b64encode(png(picture)).decode()
    assert running.post("/search", {"image": encoded}) == as_json(alone)
    assert running.post("/search", {"image": encoded, "title": "Mug", "k": 3}) == as_json(both)
    files = {"image": ("mug.png", png(picture))}
    assert running.client.post("/search", files=files).json() == as_json(alone)
    form = running.client.post("/search", files=files, data={"title": "Mug", "k": "3"})
    assert form.json() == as_json(both)


def test_a_batch_answers_in_order_and_says_what_fails(running: Running, engine: Engine) -> None:
    queries: list[dict[str, str]] = []
    expected = []
    for number, title in enumerate(titles(40)):
        queries += [{"id": f"{number:05d}"}, {"title": title}, {"id": f"none {number}"}]
        found = engine.search(id=f"{number:05d}", k=2), engine.search(title=title, k=2)
        message = f"id 'none {number}' is not in {engine.folder}: it holds 60 listings"
        expected += [*map(as_json, found), {"error": message}]
    answer = running.post("/search/batch", {"queries": queries, "k": 2})
    assert answer == {"version": 1, "answers": expected}
    assert "queries" in one_line_error(running, "/search/batch", {"queries": []})
    assert "queries" in one_line_error(running, "/search/batch", {"queries": [{"id": "1"}] * 257})


def test_many_clients_get_the_answers_of_one_and_share_the_model(running: Running, engine: Engine) -> None:
    queries = titles(60) * 3
    expected = {title: as_json(engine.search(title=title)) for title in titles(60)}
    batches = running.metric("itemsearch_batch_queries_count", kind="description")
    answered = running.metric("itemsearch_batch_queries_sum", kind="description")
    with ThreadPoolExecutor(12) as clients:
        answers = list(clients.map(lambda title: running.post("/search", {"title": title}), queries))
    assert answers == [expected[title] for title in queries]
    answered = running.metric("itemsearch_batch_queries_sum", kind="description") - answered
    batches = running.metric("itemsearch_batch_queries_count", kind="description") - batches
    assert answered == len(queries)
    assert batches < len(queries) / 2


def test_a_match_is_that_of_the_engine(running: Running, engine: Engine) -> None:
    picture = draw_picture(3)
    expected = engine.match(title=titles(4)[3], image=picture, price="3.50", category="notebook")
    encoded = base64.b64encode(png(picture)).decode()
    columns = {"price": "3.50", "category": "notebook", "of no column": 1}
    answer = running.post("/match", {"title": titles(4)[3], "image": encoded, "columns": columns})
    described = asdict(expected)
    del described["same_in_feed"]
    described["candidates"] = [asdict(each) for each in expected.candidates]
    assert answer == {"version": 1, **described}
    form = running.client.post(
        "/match",
        files={"image": png(picture)},
        data={"title": titles(4)[3], "columns": '{"price": "3.50", "category": "notebook"}'},
    )
    assert form.json() == answer


def test_a_placeholder_is_no_picture(
    running: Running, engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    picture = png(draw_picture(3))
    summary = replace(engine.summary, placeholders=(image_digest(picture),))
    monkeypatch.setattr(running.service.engine, "summary", summary)
    encoded = base64.b64encode(picture).decode()
    assert "placeholder of the catalog" in one_line_error(running, "/match", {"image": encoded})
    with_both = running.post("/match", {"title": "Red Mug", "image": encoded})
    assert with_both == running.post("/match", {"title": "Red Mug"})


def test_a_listing_and_its_thumbnail(running: Running, engine: Engine) -> None:
    row = engine.row_of("00007")
    shown = running.client.get("/listings/00007").json()
    assert shown["thumbnail"] == "/thumbnails/00007"
    expected = engine.listings.drop_columns(["thumbnail", "other_pictures"]).slice(row, 1).to_pylist()[0]
    assert shown["listing"] == expected
    jpeg = running.client.get(shown["thumbnail"])
    assert jpeg.headers["content-type"] == "image/jpeg"
    assert jpeg.content == engine.listings["thumbnail"][row].as_py()
    for path in ("/listings/none", "/thumbnails/none", "/listings/a%2Fb"):
        response = running.client.get(path)
        assert (response.status_code, "is not in" in response.json()["error"]) == (404, True)


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ({}, "give either an id, or a title"),
        ({"id": "00001", "title": "mug"}, "give either an id, or a title"),
        ({"title": "n/a"}, "is no title"),
        ({"title": "mug", "other": "seller"}, "search by id"),
        ({"title": "mug", "k": 0}, "k: Input should be greater"),
        ({"title": "mug", "k": 1001}, "k: Input should be less"),
        ({"titel": "mug"}, "titel: Extra inputs"),
        ({"title": 7}, "title: Input should be a valid string"),
        ({"id": "00001", "where": "nothing = 1"}, "no column 'nothing'"),
        ({"id": "00001", "where": "1 = 1; drop table x"}, "the filter"),
        ({"id": "00001", "other": "nothing"}, "nothing"),
        ({"image": "no base64!"}, "image: no base64"),
        ({"image": 7}, "image: "),
        ({"image": base64.b64encode(b"no picture").decode()}, "not an image of a known format"),
        ([], "body: "),
    ],
)
def test_wrong_input_is_told_in_one_line(running: Running, body: Any, words: str) -> None:
    assert words in one_line_error(running, "/search", body)


def test_other_wrong_requests(running: Running) -> None:
    assert "is not in" in one_line_error(running, "/search", {"id": "none"}, 404)
    assert "neither a title nor an image" in one_line_error(running, "/match", {"columns": {"brand": "x"}})
    taken = {"title": "mug", "columns": {"title": "cup"}}
    assert "title is given as a column" in one_line_error(running, "/match", taken)
    cut = running.client.post("/search", content=b'{"id"', headers={"content-type": "application/json"})
    assert (cut.status_code, "Invalid JSON" in cut.json()["error"]) == (422, True)
    text = running.client.post("/search", content=b"x", headers={"content-type": "text/plain"})
    assert text.status_code == 415
    field = running.client.post("/search", files={"title": (None, "mug"), "image": (None, "mug.png")})
    assert (field.status_code, field.json()["error"]) == (422, "image: send a file")
    two = running.client.post("/search", files=[("image", b"1"), ("image", b"2")])
    assert two.status_code == 400
    assert running.client.get("/nothing").status_code == 404
    assert running.client.get("/search").status_code == 405


def test_the_description_names_every_route_and_field(running: Running) -> None:
    described = running.client.get("/openapi.json").json()
    paths: Sequence[str] = list(described["paths"])
    assert {"/search", "/search/batch", "/match", "/listings/{id}", "/thumbnails/{id}"} <= set(paths)
    assert {"/healthz", "/readyz", "/version", "/metrics"} <= set(paths)
    content = described["paths"]["/search"]["post"]["requestBody"]["content"]
    assert set(content) == {"application/json", "multipart/form-data"}
    fields = content["application/json"]["schema"]["properties"]
    assert set(fields) == {"id", "title", "image", "k", "min_score", "where", "other"}
    answers = described["paths"]["/search"]["post"]["responses"]
    assert {"200", "401", "413", "422", "429", "503"} <= set(answers)
    references = re.findall(r'"#/components/schemas/(\w+)"', running.client.get("/openapi.json").text)
    assert set(references) <= set(described["components"]["schemas"])


def test_probes_version_and_metrics(running: Running, engine: Engine) -> None:
    assert running.client.get("/healthz").json() == {"status": "ok"}
    assert running.client.get("/readyz").json() == {"status": "ready"}
    said = running.client.get("/version").json()
    assert (said["version"], said["rows"]) == (1, 60)
    assert engine.summary.model
    assert said["model"] == engine.summary.model.name
    before = running.metric("itemsearch_requests_total", route="/search", status="200")
    running.post("/search", {"id": "00001", "k": 3})
    running.client.post("/search", json={"id": "none"})
    assert running.metric("itemsearch_requests_total", route="/search", status="200") == before + 1
    assert running.metric("itemsearch_requests_total", route="/search", status="404") >= 1
    assert running.metric("itemsearch_request_seconds_count", route="/search") >= before + 2
    assert running.metric("itemsearch_candidates_sum") >= 59
    assert running.metric("itemsearch_index_version") == 1
    assert running.metric("itemsearch_index_rows") == 60
