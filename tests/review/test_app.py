from __future__ import annotations

import csv
import io
import json
import re
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from fastapi.testclient import TestClient
from PIL import Image
from support.catalogs import draw_picture
from support.run_folders import a_group, a_pair, rejected_pairs, write_run_folder

from itemsearch.decisions.log import DecisionLog
from itemsearch.decisions.of_index import labels_of_people
from itemsearch.duplicates.run_folder import FORMAT
from itemsearch.errors import IndexFolderError, ReviewError, UsageError
from itemsearch.review.app import build_app
from itemsearch.review.routes.search import MAX_UPLOAD
from itemsearch.review.session import ReviewSession
from itemsearch.web.access import Address

ORIGIN = "http://localhost:8000"
BIG = ["00000", "00001", "00002"]


def client_of(session: ReviewSession, address: Address | None = None, origin: str = ORIGIN) -> TestClient:
    return TestClient(build_app(session, address or Address()), ORIGIN, headers={"Origin": origin})


@pytest.fixture
def session(found: Path) -> ReviewSession:
    return ReviewSession.open(found)


@pytest.fixture
def client(session: ReviewSession) -> TestClient:
    return client_of(session)


def choice(action: str, part: list[str], seen: int = 0, **more: object) -> dict[str, object]:
    return {"action": action, "group": "big", "part": part, "shown": BIG, "seen": seen, **more}


def test_groups_wait_in_order_and_leave_when_decided(client: TestClient, session: ReviewSession) -> None:
    page = client.get("/").text
    assert "0 decided, 3 left" in page
    assert re.findall(r"group (big|small|sure)<", page) == ["big", "small", "sure"]
    done = client.post("/decide", data=choice("confirm", BIG)).text
    assert "Confirmed: one product" in done
    assert "1 decided, 2 left" in done
    assert "group big<" not in done
    assert "group big<" in client.get("/?state=decided").text
    assert labels_of_people(session.engine)["same"].to_pylist() == [True] * 3


def test_what_comes_first_is_what_the_reader_asks_for(client: TestClient) -> None:
    def order(query: str) -> list[str]:
        return re.findall(r"· group (\w+)<", client.get(f"/?{query}").text)

    assert order("order=worth") == ["big", "small", "sure"]
    assert order("order=probability&tier==review") == ["big", "small"]
    assert client.get("/?order=nonsense").status_code == 422


def test_every_fourth_group_is_drawn_and_its_decision_says_so(own_index: Path, tmp_path: Path) -> None:
    groups = [
        a_group(f"g{n}", [f"{2 * n:05d}", f"{2 * n + 1:05d}"], ("review", "automatic")[n % 2])
        for n in range(12)
    ]
    pairs = [a_pair(f"{2 * n:05d}", f"{2 * n + 1:05d}") for n in range(12)]
    session = ReviewSession.open(write_run_folder(tmp_path / "many", own_index, pairs, groups))
    client = client_of(session)
    page = client.get("/").text
    cards = page.split("<article")[1:]
    assert [place for place, card in enumerate(cards) if "drawn at random" in card] == [3, 7, 11]
    assert "drawn at random" not in client.get("/?category==mug").text.split("<article", 1)[1]
    assert "Every fourth" not in client.get("/?order=worth").text
    first = re.search(r"· group (\w+)<", cards[3])
    assert first
    group = session.groups[first[1]]
    assert f"/group?id={group.id}&amp;drawn=1" in page or f"/group?id={group.id}&drawn=1" in page
    ids = [listing.id for listing in group.listings]
    form = {"action": "confirm", "group": group.id, "part": ids, "shown": ids, "seen": 0}
    client.post("/decide", data={**form, "drawn": "1"})
    (label,) = session.decisions.labels()
    assert label.drawn == group.tier.value
    rows = list(csv.DictReader(io.StringIO(client.get("/decisions.csv").content.decode("utf-8-sig"))))
    assert rows[0]["drawn"] == group.tier.value


def test_a_sample_is_answered_one_after_another_and_measured(
    client: TestClient, session: ReviewSession
) -> None:
    page = client.get("/?sample=review").text
    assert "2 random groups to review: how many are right?" in page
    assert page.count("<article") == 1
    for number, action in ((1, "confirm"), (2, "reject")):
        page = client.get("/?sample=review").text
        assert f"Group {number} of 2" in page
        part = re.findall(r'name="part" value="(\w+)"', page)
        seen = re.findall(r'name="seen" value="(\d+)"', page)[0]
        group = re.findall(r'name="group" value="(\w+)"', page)[0]
        form = {"action": action, "group": group, "part": part, "shown": part, "seen": seen, "drawn": "1"}
        page = client.post("/decide", data={**form, "back": "/?sample=review"}).text
    assert "Of 2 checked groups to review, 1 is right: <strong>50% (9% to 91%)</strong>" in page
    assert "All 2 are checked" in page
    assert "There are no others" in page
    assert {label.drawn for label in session.decisions.labels()} == {"review"}
    assert "of 1: are these" in client.get("/?sample=automatic").text
    assert client.get("/?sample=none").status_code == 422


def test_a_drawn_group_is_split_on_its_own_page(client: TestClient, session: ReviewSession) -> None:
    page = client.get("/group?id=big&drawn=1").text
    assert "To the next group of the sample" in page
    data = {"id": "00001", "group": "big", "part": BIG, "shown": BIG, "seen": 0, "drawn": "1"}
    client.post("/reject-one", data={**data, "back": "/group?id=big&drawn=1"})
    assert {label.drawn for label in session.decisions.labels()} == {"review"}
    found = session.checked()["review"]
    assert (found.groups, found.right) == (1, 0)


def test_filters_narrow_the_page(client: TestClient) -> None:
    assert re.findall(r"· group (\w+)<", client.get("/?tier==automatic").text) == ["sure"]
    assert re.findall(r"· group (\w+)<", client.get("/?category==mug&state=any").text) == [
        "big",
        "small",
        "sure",
    ]
    assert "No groups here" in client.get("/?category==none").text


def test_one_listing_is_rejected_and_the_rest_stays_to_decide(
    client: TestClient, session: ReviewSession
) -> None:
    data = {"id": "00001", "group": "big", "part": BIG, "shown": BIG, "seen": 0, "back": "/group?id=big"}
    page = client.post("/reject-one", data=data).text
    assert "decided to be different" in page
    assert "0 decided, 3 left" in page
    assert rejected_pairs(session.engine) == {("00000", "00001"), ("00001", "00002")}
    page = client.post("/decide", data=choice("confirm", ["00000", "00002"], 1, back="/group?id=big")).text
    assert "confirmed: one product" in page
    assert "1 decided, 2 left" in page


def test_a_split_sets_the_ticked_apart_and_undo_brings_them_back(
    client: TestClient, session: ReviewSession
) -> None:
    data = choice("split", BIG, ticked=["00002"], back="/group?id=big")
    assert 'name="event" value="1"' in client.post("/decide", data=data).text
    assert rejected_pairs(session.engine) == {("00000", "00002"), ("00001", "00002")}
    assert "Taken back" in client.post("/undo", data={"event": 1}).text
    assert rejected_pairs(session.engine) == set()
    again = client.post("/undo", data={"event": 1})
    assert (again.status_code, "undone already" in again.text) == (409, True)
    none_ticked = client.post("/decide", data=choice("split", BIG, 9))
    assert (none_ticked.status_code, "tick the listings" in none_ticked.text) == (400, True)


def test_two_groups_become_one_product(client: TestClient, session: ReviewSession) -> None:
    both = client.get("/merge?group=big&other=small").text
    assert both.count('name="part"') == 5
    ids = [*BIG, "00010", "00011"]
    client.post("/decide", data={**choice("merge", ids), "shown": ids})
    assert labels_of_people(session.engine).num_rows == 10
    assert 'Also the same product: <a href="/group?id=small">00010' in " ".join(
        client.get("/group?id=big").text.split()
    )
    assert "2 decided, 1 left" in client.get("/").text
    assert "give the id of another" in client.get("/merge?group=big&other=big").text


def test_a_keeper_is_chosen_in_a_group_and_after_a_split_and_can_be_undone(
    client: TestClient, session: ReviewSession
) -> None:
    def kept(page: str) -> list[str]:
        figures = re.findall(r'<figure class="keeper".*?<div class="id"><bdi>(\w+)', page, re.DOTALL)
        return [id for id in figures if id in BIG]

    page = client.get("/group?id=big").text
    assert kept(page) == ["00000"]
    assert re.findall(r'name="keeper" value="(\w+)"', page) == ["00001", "00002"]
    form = {"part": BIG, "shown": BIG, "seen": 0, "group": "big", "back": "/group?id=big"}
    page = client.post("/keep", data={**form, "keeper": "00002"}).text
    assert "To be kept: 00002" in page
    assert kept(page) == kept(client.get("/").text) == ["00002"]
    client.post("/decide", data=choice("split", BIG, 1, ticked=["00002"]))
    page = client.get("/group?id=big").text
    assert kept(page) == ["00000", "00002"]
    form = {**form, "part": BIG[:2], "seen": 2}
    assert kept(client.post("/keep", data={**form, "keeper": "00001"}).text) == ["00001", "00002"]
    assert kept(client.post("/undo", data={"event": 3, "back": "/group?id=big"}).text) == ["00000", "00002"]
    assert session.keeper(session.labels(), ["00001", "00010", "00011"]) == "00010"
    assert client.post("/keep", data={**form, "keeper": "00050", "seen": 4}).status_code == 400
    assert client.post("/keep", data={**form, "keeper": "00001"}).status_code == 409


def test_the_name_of_a_person_is_asked_once_and_stored(client: TestClient, session: ReviewSession) -> None:
    assert "Your name" in client.get("/").text
    client.post("/decide", data=choice("confirm", BIG))
    page = client.post("/name", data={"name": " Zoë <b>; x ", "back": "/group?id=small"}).text
    assert "Group small" in page
    assert "Your name" not in page
    assert "Zoë &lt;b&gt;; x" in page
    small = ["00010", "00011"]
    client.post("/decide", data={**choice("reject", small), "shown": small, "group": "small"})
    client.post("/undo", data={"event": 2})
    assert [event.who for event in session.decisions.events()] == ["Zoë <b>; x"] * 2 + [""]
    assert "<b>Zoë &lt;b&gt;; x</b>" in client.get("/decisions").text
    away = client.post("/name", data={"name": "x", "back": "//evil.example"}, follow_redirects=False)
    assert away.headers["location"] == "/"
    assert "Your name" in client.post("/name", data={"name": ""}).text


def test_the_decisions_of_a_session_may_all_be_one_persons(session: ReviewSession) -> None:
    client = TestClient(build_app(session, Address(), "Ann"), ORIGIN, headers={"Origin": ORIGIN})
    page = client.get("/").text
    assert "Your name" not in page
    assert "Ann" in page
    client.post("/name", data={"name": "Bob"})
    client.post("/decide", data=choice("confirm", BIG))
    rows = list(csv.DictReader(io.StringIO(client.get("/decisions.csv").content.decode("utf-8-sig"))))
    assert {row["who"] for row in rows} == {"Ann"}
    assert session.labels().people.reason(*BIG[:2]).startswith("Ann decided on 20")


def test_two_results_of_a_search_are_joined_or_told_apart(client: TestClient, session: ReviewSession) -> None:
    page = client.get("/search?id=00000").text
    assert re.findall(r'name="part" value="(\w+)" aria-label="tick \w+" checked', page) == ["00000"]
    shown = re.findall(r'name="shown" value="(\w+)"', page)
    assert len(shown) == 25
    form = {"shown": shown, "seen": 0, "group": "", "back": "/search?id=00000&words="}
    page = client.post("/decide", data={**form, "action": "confirm", "part": ["00000", shown[5]]}).text
    assert "Confirmed: one product" in page
    assert page.count("decided: the same product") == 1
    page = client.post(
        "/decide", data={**form, "seen": 1, "action": "reject", "part": ["00000", shown[6]]}
    ).text
    assert page.count("decided: another product") == 1
    assert rejected_pairs(session.engine) == {tuple(sorted(("00000", shown[6])))}
    for part in ([], ["00000"]):
        refused = client.post("/decide", data={**form, "seen": 2, "action": "confirm", "part": part})
        assert (refused.status_code, "tick them" in refused.text) == (400, True)
    assert client.post("/decide", data={**form, "seen": 2, "part": ["00000", shown[7]]}).status_code == 422


def test_a_filter_is_accepted_in_one_step_with_preview_and_undo(
    client: TestClient, session: ReviewSession
) -> None:
    reject = {"id": "00001", "group": "big", "part": BIG, "shown": BIG, "seen": 0}
    client.post("/reject-one", data=reject)
    assert "/accept?state=left" in client.get("/").text
    page = client.get("/accept?tier==automatic").text
    assert "Accept 1 groups, 2 listings?" in page
    assert re.findall(r"· group (\w+)<", page) == ["sure"]
    page = client.get("/accept").text
    assert "Accept 2 groups, 4 listings?" in page  # big is partly told apart
    seen = re.findall(r'name="seen" value="(\d+)"', page)[0]
    done = client.post("/accept", data={"seen": seen}).text
    assert "Accepted: each group is one product" in done
    assert "2 decided, 1 left" in done
    assert session.labels().of_pair("00010", "00011")
    assert session.checked() == {}
    assert labels_of_people(session.engine)["same"].to_pylist() == [False, False]
    assert "Group 1 of 1" in client.get("/?sample=automatic").text  # nobody looked at it
    assert "0 decided, 3 left" in client.post("/undo", data={"event": 2}).text
    assert client.post("/accept", data={"seen": seen}).status_code == 409
    assert client.post("/accept?category==none", data={"seen": 9}).status_code == 400


def test_a_stale_form_is_told_and_loses_nothing(client: TestClient, session: ReviewSession) -> None:
    client.post("/decide", data=choice("confirm", BIG))
    late = client.post("/decide", data=choice("reject", BIG))
    assert late.status_code == 409
    assert "Somebody else decided here" in late.text
    assert "Decide so all the same" in late.text
    assert rejected_pairs(session.engine) == set()
    assert len(session.decisions.events()) == 1


def test_decisions_are_found_again_by_another_server_and_exported(client: TestClient, found: Path) -> None:
    client.post("/decide", data=choice("confirm", BIG))
    client.post("/decide", data={**choice("reject", ["00010", "00011"]), "shown": ["00010"], "group": "=1+1"})
    again = client_of(ReviewSession.open(found))
    assert "2 decided, 1 left" in again.get("/").text
    assert "Rejected: not the same product" in again.get("/decisions").text
    rows = list(csv.DictReader(io.StringIO(again.get("/decisions.csv").content.decode("utf-8-sig"))))
    assert [row["same"] for row in rows] == ["true"] * 3 + ["false"]
    assert rows[-1]["group_id"] == "'=1+1"
    table = pq.read_table(io.BytesIO(again.get("/decisions.parquet").content))
    assert table["group_id"].to_pylist() == ["big"] * 3 + ["=1+1"]
    assert table["holds"].to_pylist() == [True] * 4


def test_search_by_id_by_words_and_by_picture(client: TestClient) -> None:
    by_id = client.get("/search?id=00000").text
    assert by_id.count("similar listings") == 24
    assert '<a href="/group?id=big">' in by_id
    assert client.get("/search?words=red+mug").text.count("similar listings") == 24
    upright, turned, tag = io.BytesIO(), io.BytesIO(), Image.Exif()
    draw_picture(12).save(upright, "PNG")
    tag[0x0112] = 6  # to be shown a quarter turn further, as phones say
    draw_picture(12).transpose(Image.Transpose.ROTATE_90).save(turned, "PNG", exif=tag)
    found = [
        client.post("/search", files={"picture": ("mine.png", held.getvalue())}).text
        for held in (upright, turned)
    ]
    assert "Most similar to mine.png" in found[0]
    assert found[0].count("similar listings") == 24
    assert len({re.sub(r"picture=\w+", "", page) for page in found}) == 1


def test_what_cannot_be_searched_is_one_line(client: TestClient) -> None:
    unknown = client.get("/search?id=nope")
    assert (unknown.status_code, "id &#39;nope&#39; is not in" in unknown.text) == (400, True)
    bad = client.post("/search", files={"picture": ("x.jpg", b"words")})
    assert (bad.status_code, "not an image of a known format" in bad.text) == (400, True)
    empty = client.post("/search", files={"picture": ("", b"")})
    assert (empty.status_code, "picture is missing or wrong" in empty.text) == (422, True)
    large = client.post("/search", files={"picture": ("x.jpg", b"0" * (MAX_UPLOAD + 1))})
    assert (large.status_code, "over 20 MB" in large.text) == (400, True)
    assert client.get("/nothing").status_code == 404
    assert "There is no such page" in client.get("/nothing").text


def test_a_wrong_form_is_one_line(client: TestClient) -> None:
    assert client.post("/decide", data=choice("confirm", ["00000"])).status_code == 400
    assert client.post("/decide", data=choice("confirm", ["00000", "no such id"])).status_code == 400
    wrong = client.post("/decide", data=choice("burn", BIG))
    assert (wrong.status_code, "Traceback" in wrong.text) == (422, False)
    for action in ("undo", "keep", "accept"):
        assert client.post("/decide", data=choice(action, BIG, ticked=BIG[:1])).status_code == 400


def test_an_index_alone_is_searched(own_index: Path) -> None:
    client = client_of(ReviewSession.open(own_index))
    assert "Search 60 listings" in client.get("/").text
    assert client.get("/decisions").status_code == 200


def test_pictures_are_small_jpegs_that_browsers_keep(client: TestClient) -> None:
    (address,) = set(re.findall(r'src="(/pictures/0-[^"]+)"', client.get("/search?id=00000").text))
    answer = client.get(address)
    assert answer.headers["content-type"] == "image/jpeg"
    assert "immutable" in answer.headers["cache-control"]
    assert max(Image.open(io.BytesIO(answer.content)).size) <= 96
    assert client.get("/pictures/999-x.jpg").status_code == 404


def test_other_sites_can_neither_send_forms_nor_read(client: TestClient, session: ReviewSession) -> None:
    for origin in ("http://evil.example", "null", ""):
        refused = client.post("/decide", data=choice("confirm", BIG), headers={"Origin": origin})
        assert refused.status_code == 403
    assert session.decisions.events() == []
    assert client.get("/", headers={"Host": "evil.example:8000"}).status_code == 400
    for host in ("127.0.0.1:8000", "localhost", "[::1]:8000"):
        assert client.get("/", headers={"Host": host}).status_code == 200
    headers = client.get("/").headers
    assert "script-src 'self'" in headers["content-security-policy"]
    assert "unsafe" not in headers["content-security-policy"]
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["cache-control"] == "no-store"
    away = client.post("/decide", data=choice("confirm", BIG, back="//evil.example"), follow_redirects=False)
    assert away.headers["location"].startswith("/?did=")


def test_other_machines_need_the_token(session: ReviewSession) -> None:
    with pytest.raises(UsageError, match="--token"):
        Address("0.0.0.0").check()
    with pytest.raises(UsageError, match="5 characters"):
        Address("127.0.0.1", 1, "short").check()
    client = client_of(session, Address("0.0.0.0", 8000, "a long enough token"))
    for wrong in ("/", "/?token=wrong", "/assets/page.css", "/pictures/0-x.jpg"):
        assert client.get(wrong).status_code == 401
    assert client.post("/decide", data=choice("confirm", BIG)).status_code == 401
    welcome = client.get("/?token=a long enough token", follow_redirects=False)
    assert welcome.headers["location"] == "/"
    assert "httponly" in welcome.headers["set-cookie"].lower()
    assert "long enough" not in welcome.headers["set-cookie"]
    assert client.get("/").status_code == 200


def test_what_is_no_folder_of_ours_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(IndexFolderError):
        ReviewSession.open(tmp_path)
    for text in ("{}", json.dumps({"format": FORMAT, "index": "index", "groups": {}})):
        (tmp_path / "run.json").write_text(text)
        with pytest.raises(ReviewError, match=r"run\.json"):
            ReviewSession.open(tmp_path)


def test_listings_and_groups_are_text_and_never_markup(evil_found: Path) -> None:
    session = ReviewSession.open(evil_found)
    client = client_of(session)
    group = next(iter(session.groups))
    pages = [
        "/",
        "/pairs?kind=variants",
        "/pairs?kind=weakest",
        "/decisions",
        "/search?words=<script>alert(1)",
    ]
    for page in [*pages, f"/search?id={'%22%3E%3Cscript%3E'}"]:
        text = client.get(page).text
        assert text.count("<script") == text.count('<script src="/assets/'), page
        assert "<svg" not in text
        assert not re.search(r"<img[^>]*onerror", text)
        assert "49" not in re.findall(r"<figcaption>(.*?)<", text)
    ids = [listing.id for listing in session.groups[group].listings]
    form = {"action": "confirm", "group": group, "part": ids, "shown": ids, "seen": 0}
    page = client.post("/decide", data=form).text
    assert page.count("<script") == page.count('<script src="/assets/')
    cells = list(csv.reader(io.StringIO(client.get("/decisions.csv").text)))[1]
    assert not any(cell.startswith(("=", "+", "-", "@")) for cell in cells)
    DecisionLog.of_index(session.engine.folder).path.unlink()
