from __future__ import annotations

import json
from pathlib import Path

import pytest
from fastapi.testclient import TestClient

from itemsearch.review.app import build_app
from itemsearch.review.session import ReviewSession
from itemsearch.web.access import Address


@pytest.fixture
def client(found: Path) -> TestClient:
    app = build_app(ReviewSession.open(found), Address(), "Ann")
    return TestClient(app, base_url="http://localhost", headers={"Origin": "http://localhost"})


def decide(client: TestClient, group: str, ids: list[str], action: str = "confirm", **more: object) -> None:
    form = {"action": action, "group": group, "seen": 99, "part": ids, "shown": ids, **more}
    assert client.post("/decide", data=form, follow_redirects=False).status_code == 303


def test_decisions_json_has_the_rows_of_the_other_files(client: TestClient) -> None:
    assert client.get("/decisions.json").json() == {"version": 1, "decisions": []}
    decide(client, "small", ["00010", "00011"])
    (row,) = client.get("/decisions.json").json()["decisions"]
    names = client.get("/decisions.csv").text.lstrip("\ufeff").splitlines()[0].split(",")
    assert list(row) == [name.strip('"') for name in names]
    assert (row["id_a"], row["id_b"], row["same"], row["holds"]) == ("00010", "00011", True, True)
    assert (row["action"], row["who"]) == ("confirm", "Ann")


def test_groups_jsonl_has_every_group_and_what_stands_of_it(client: TestClient) -> None:
    decide(client, "big", ["00000", "00001", "00002"], "split", ticked=["00002"])
    decide(client, "big", ["00000", "00001"])
    decide(client, "", ["00001", "00020"])  # from a search: a listing of another group
    groups = {
        group["group"]: group for group in map(json.loads, client.get("/groups.jsonl").text.splitlines())
    }
    assert groups.keys() == {"big", "small", "sure"}
    big, small, sure = groups["big"], groups["small"], groups["sure"]
    assert (big["tier"], big["decided"], big["keeper"]) == ("review", True, "00000")
    assert [listing["id"] for listing in big["listings"]] == ["00000", "00001", "00002"]
    assert big["stands"]["different"] == [["00000", "00002"], ["00001", "00002"]]
    (product,) = big["stands"]["products"]
    assert product["listings"] == ["00000", "00001", "00020"]
    assert sure["stands"]["products"] == [product]
    assert (small["decided"], small["stands"]) == (False, {"products": [], "different": []})
    assert small["listings"][0]["probability"] == pytest.approx(0.9)


def test_an_index_alone_has_no_groups(own_index: Path) -> None:
    app = build_app(ReviewSession.open(own_index), Address(), "Ann")
    client = TestClient(app, base_url="http://localhost")
    assert client.get("/groups.jsonl").text == ""
    assert "groups.jsonl" not in client.get("/decisions").text
