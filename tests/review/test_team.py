"""What several people do at once: filters, assignments, notes, newer runs, conflicts, undo and the log."""

from __future__ import annotations

import csv
import io
import json
import os
import re
from pathlib import Path

import pytest
from fastapi.testclient import TestClient
from support.catalogs import draw_picture
from support.run_folders import a_group, a_pair, write_run_folder

from itemsearch.decisions.events import Action, EventFilter
from itemsearch.errors import UsageError
from itemsearch.review import pages
from itemsearch.review.app import build_app
from itemsearch.review.group_filter import GroupFilter
from itemsearch.review.log_pages import PAGE_EVENTS, STEPS
from itemsearch.review.session import ReviewSession
from itemsearch.search.build import build_index_folder
from itemsearch.web.access import Address

ORIGIN = "http://localhost:8000"
BIG, SMALL, SURE = ["00000", "00001", "00002"], ["00010", "00011"], ["00020", "00021"]


def client_of(session: ReviewSession, who: str = "") -> TestClient:
    client = TestClient(build_app(session, Address()), ORIGIN, headers={"Origin": ORIGIN})
    if who:
        client.post("/name", data={"name": who})
    return client


@pytest.fixture
def session(found: Path) -> ReviewSession:
    return ReviewSession.open(found)


@pytest.fixture
def ann(session: ReviewSession) -> TestClient:
    return client_of(session, "Ann")


@pytest.fixture
def bob(session: ReviewSession) -> TestClient:
    return client_of(session, "Bob")


def shown(client: TestClient, query: str) -> list[str]:
    return re.findall(r"group (big|small|sure)<", client.get(f"/?{query}").text)


def decision(
    action: str, part: list[str], group: str = "big", seen: int = 0, **more: object
) -> dict[str, object]:
    return {"action": action, "group": group, "part": part, "shown": part, "seen": seen, **more}


def remark(part: list[str], group: str = "big", **more: str) -> dict[str, object]:
    return {"part": part, "group": group, "back": "/", **more}


def test_every_filter_is_in_the_address_and_counted(ann: TestClient, session: ReviewSession) -> None:
    assert "3 of 3 groups" in ann.get("/").text
    for query, groups in {
        "probability_from=0,95": [],
        "probability_to=0.95": ["big", "small", "sure"],
        "text=00011": ["small"],
        "text=sure": ["sure"],
        "text=RED+mug&order=worth": [
            group.id
            for group in (session.groups[id] for id in ("big", "small", "sure"))
            if any(
                "red" in each.title.casefold() and "mug" in each.title.casefold() for each in group.listings
            )
        ],
        "flag==": ["big", "small", "sure"],
        "flag==chain+split": [],
        "assigned==": ["big", "small", "sure"],
        "assigned=me": [],
        "price_from=1e9": [],
        "price_from=&price_to=+&probability_from=&text=+": ["big", "small", "sure"],  # an empty form
    }.items():
        page = ann.get(f"/?order=worth&{query}").text
        assert re.findall(r"group (big|small|sure)<", page) == groups, query
        assert f"{len(groups)} of 3 groups" in page
    assert ann.get("/?price_from=cheap").status_code == 422
    assert ann.get("/?probability_from=nan").status_code == 422
    assert "Every fourth" not in ann.get("/?text=mug").text
    assert "Every fourth" in ann.get("/?tier==automatic").text
    address = GroupFilter(text="a&b", price_from=1.5, assigned="=Zoë").address(2)
    assert address == "/?state=left&order=teaches&assigned=%3DZo%C3%AB&text=a%26b&price_from=1.5&page=2"


def test_prices_are_of_any_listing_of_the_group(tmp_path: Path) -> None:
    import numpy as np
    from support.indexes_of_listings import build, jpeg, listing

    prices = ["9.50", "12.00", "", "30", "31", "32"]
    made = [
        listing(f"p{n}", "Mug", np.eye(8, dtype=np.float32)[n], jpeg(n), Price=price)
        for n, price in enumerate(prices)
    ]
    index = build(tmp_path, made)
    groups = [a_group("A", ["p0", "p1", "p2"]), a_group("B", ["p3", "p4"])]
    pairs = [a_pair("p0", "p1"), a_pair("p0", "p2"), a_pair("p3", "p4")]
    client = client_of(ReviewSession.open(write_run_folder(tmp_path / "found", index, pairs, groups)))
    for query, names in {
        "price_from=10&price_to=20": ["A"],
        "price_from=30,5": ["B"],
        "price_to=9": [],
    }.items():
        page = client.get(f"/?{query}").text
        assert re.findall(r"· group (\w)<", page) == names
        assert 'name="price_from"' in page


def test_assigned_groups_are_filtered_and_follow_their_listings(
    ann: TestClient, bob: TestClient, session: ReviewSession, found: Path, own_index: Path
) -> None:
    page = ann.post("/assign", data=remark(BIG, to=" Bob ")).text
    assert "Assigned to Bob (00000, 00001, 00002)" in page
    assert "for Bob" in page
    assert shown(bob, "assigned=me") == shown(ann, "assigned==Bob") == ["big"]
    assert shown(ann, "assigned=me") == []
    assert sorted(shown(ann, "assigned==")) == ["small", "sure"]
    page = bob.post("/assign-all?tier==automatic", data={"to": "Cem"}).text
    assert shown(ann, "assigned==Cem") == ["sure"]
    assert '<option value="=Cem"' in page
    assert ann.post("/assign-all?text=nothing", data={"to": "Cem"}).status_code == 400
    assert ann.post("/assign", data=remark(["nope"], to="Bob")).status_code == 400
    groups = [a_group("other", ["00002", "00040"]), a_group("rest", SMALL)]
    write_run_folder(found, own_index, [a_pair("00002", "00040"), a_pair(*SMALL)], groups)
    later = client_of(ReviewSession.open(found), "Bob")
    assert "group other<" in later.get("/?assigned=me").text
    assert "1 of 2 groups" in later.get("/?assigned=me").text
    later.post("/assign", data=remark(["00002", "00040"], to=""))
    assert "0 of 2 groups" in later.get("/?assigned=me").text


def test_notes_stand_on_the_card_in_exports_and_in_the_log(ann: TestClient, bob: TestClient) -> None:
    ann.post("/note", data=remark(BIG, text=" which \n size? <b>"))
    page = bob.get("/group?id=big").text
    assert "which size? &lt;b&gt;" in page
    assert re.search(r'which size\? &lt;b&gt; <span class="soft">Ann, 20', page)
    bob.post("/decide", data=decision("confirm", BIG))  # a note is no conflict
    rows = list(csv.DictReader(io.StringIO(ann.get("/decisions.csv").content.decode("utf-8-sig"))))
    assert {row["notes"][:23] for row in rows} == {"which size? <b> (Ann, 2"}
    assert {row["assigned"] for row in rows} == {""}
    assert "Note: which size? &lt;b&gt;" in bob.get("/decisions?kind=note").text
    assert ann.post("/note", data=remark(BIG, text="  ")).status_code == 400
    undone = ann.post("/undo", data={"event": 1}).text
    assert "Taken back: Note" in undone
    assert "which size? &lt;b&gt; <span" not in bob.get("/group?id=big").text


def test_who_decided_is_a_filter(ann: TestClient, bob: TestClient) -> None:
    ann.post("/decide", data=decision("confirm", BIG))
    bob.post("/decide", data=decision("reject", SMALL, "small"))
    assert shown(ann, "state=decided&by=me") == shown(bob, "state=decided&by==Ann") == ["big"]
    assert shown(bob, "state=any&by=me") == ["small"]


def test_a_page_is_accepted_though_others_move_its_groups(
    own_index: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pages, "PAGE_CARDS", 5)
    ids = [f"{n:05d}" for n in range(14)]
    pairs = [a_pair(*ids[2 * n : 2 * n + 2]) for n in range(7)]
    groups = [a_group(f"g{n}", ids[2 * n : 2 * n + 2]) for n in range(7)]
    session = ReviewSession.open(write_run_folder(tmp_path / "many", own_index, pairs, groups))
    client = client_of(session)
    assert "Accept this page" in client.get("/?order=probability").text
    page = client.get("/accept?order=probability&page=2&only=page").text
    assert "Accept 2 groups, 4 listings?" in page
    chosen = re.findall(r'name="chosen" value="(\w+)"', page)
    fields = {name: re.findall(rf'name="{name}" value="([^"]+)"', page)[0] for name in ("seen", "stamp")}
    client.post("/decide", data=decision("reject", ids[:2], "g0"))  # the second page begins one group later
    done = client.post("/accept?order=probability&page=2", data={**fields, "chosen": chosen}).text
    assert "3 decided, 4 left" in done
    assert all(session.labels().decided(session.groups[id]) for id in chosen)


def test_a_newer_run_is_offered_and_opened_for_all(
    ann: TestClient, session: ReviewSession, found: Path, own_index: Path
) -> None:
    page = ann.get("/").text
    assert re.search(r'id="newer"[^>]* hidden', page)
    stamp = re.findall(r'data-stamp="([^"]+)"', page)[0]
    assert ann.get("/newer", params={"stamp": stamp}).json() == {"newer": ""}
    (found / "run.json").rename(found / "kept.json")
    assert ann.get("/newer", params={"stamp": stamp}).json() == {"newer": ""}  # a run is being written
    (found / "kept.json").unlink()
    write_run_folder(found, own_index, [a_pair(*SMALL)], [a_group("small", SMALL)])
    os.utime(found / "run.json", ns=(1, 10**18))
    assert ann.get("/newer", params={"stamp": stamp}).json()["newer"] == "A newer run of duplicates is here."
    page = ann.get("/?text=mug").text
    assert "A newer run of duplicates is here." in page
    assert not re.search(r'id="newer"[^>]* hidden', page)
    assert "3 left" in page
    page = ann.post("/newer", data={"back": "/?state=any"}).text
    assert "1 of 1 groups" in page
    assert re.search(r'id="newer"[^>]* hidden', page)
    assert ann.get("/newer", params={"stamp": stamp}).json() == {"newer": "A newer run was opened."}
    assert "Group" not in ann.post("/newer", data={"back": "/group?id=big"}).text.split("<h1>")[1][:20]
    accepted = ann.post("/accept", data={"seen": 0, "stamp": stamp})
    assert (accepted.status_code, "newer run" in accepted.text) == (409, True)
    back = {"Referer": f"{ORIGIN}/?text=mug"}
    assert '<a class="button" href="/?text=mug">Back</a>' in ann.get("/group?id=big", headers=back).text
    away = {"Referer": "http://evil.example/?text=mug"}
    assert '<a class="button" href="/">To the start</a>' in ann.get("/group?id=big", headers=away).text


def test_another_version_of_the_index_is_offered_and_guards_what_changed(
    ann: TestClient, session: ReviewSession, store: Path, own_index: Path, found: Path
) -> None:
    page = ann.get("/group?id=small").text
    content = re.findall(r'name="content" value="(\w+)"', page)[0]
    build_index_folder(store, own_index)
    assert "Another version of the index is here" in ann.get("/").text
    assert "Another version" not in ann.post("/newer").text.split("hidden")[0]
    same = ann.post("/decide", data=decision("confirm", SMALL, "small", content=content))
    assert same.status_code == 200  # nothing changed in these listings
    other = ann.post("/decide", data=decision("reject", SMALL, "small", 1, content="0" * 16))
    assert (other.status_code, "has changed since this page was made" in other.text) == (409, True)
    (own_index / "CURRENT").write_text("{}")
    assert "Another version of the index is here" in ann.get("/").text
    refused = ann.post("/newer")
    assert refused.status_code == 400
    assert "CURRENT" in refused.text or str(own_index) in refused.text
    assert ann.get("/").status_code == 200  # the open version goes on


def test_a_conflict_shows_what_was_decided_and_keeps_the_choice(
    ann: TestClient, bob: TestClient, session: ReviewSession
) -> None:
    bob.post("/decide", data=decision("confirm", BIG))
    form = decision("split", BIG, ticked=["00002"], back="/group?id=big#card-1")
    page = ann.post("/decide", data=form)
    assert page.status_code == 409
    text = page.text
    assert re.search(r"<b>Bob</b> · <time[^>]*>[^<]*</time> UTC: Confirmed: one product", text)
    assert text.split("What you chose")[0].count("/pictures/") == 3
    assert "another product: 00002" in text
    assert 'href="/group?id=big&amp;ticked=00002#card-1"' in text
    assert re.search(r'value="00002"[^>]* checked', ann.get("/group?id=big&ticked=00002").text)
    again = text.split('id="again"')[1]
    fields: dict[str, list[str]] = {}
    for name, value in re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)"', again):
        fields.setdefault(name, []).append(value)
    name, value = re.findall(
        r'<button class="good" name="(\w+)" value="(\w+)">Decide so all the same', again
    )[0]
    done = ann.post("/decide", data={**fields, name: value})
    assert "Split (00000, 00001, 00002)" in done.text
    assert session.labels().of_pair("00000", "00002") is False
    assert session.labels().of_pair("00000", "00001") is True
    mine = ann.post("/decide", data=decision("reject", BIG, seen=1))
    assert "You decided here already" in mine.text
    for path, field in (("/keep", "keeper"), ("/reject-one", "id")):
        late = ann.post(path, data={**decision("", BIG), field: "00001"})
        assert (late.status_code, f'name="{field}" value="00001"' in late.text) == (409, True)


def test_twenty_steps_are_taken_back_one_after_another_and_not_those_of_others(
    ann: TestClient, bob: TestClient, session: ReviewSession
) -> None:
    for number in range(STEPS + 2):
        ann.post("/note", data=remark(BIG, text=f"step {number}"))
    bob.post("/decide", data=decision("reject", SMALL, "small"))
    page = ann.get("/steps").text
    assert page.count('class="event"') == STEPS
    assert "step 21" in page
    assert "step 1<" not in page
    for number in reversed(range(2, STEPS + 2)):
        page = ann.get("/").text
        step = re.findall(r'<form class="undo".*?name="event" value="(\d+)"', page, re.DOTALL)[0]
        assert f"Taken back: Note: step {number} " in ann.post("/undo", data={"event": step}).text
    assert [event.text for event in session.decisions.events(wanted=EventFilter("Ann", standing=True))] == [
        "step 1",
        "step 0",
    ]
    assert session.labels().of_pair(*SMALL) is False
    assert '<form class="undo"' not in client_of(session, "Cem").get("/").text


def test_the_log_tells_in_pictures_who_did_what_over_all_pages(ann: TestClient, bob: TestClient) -> None:
    for number in range(PAGE_EVENTS + 3):
        ann.post("/note", data=remark(BIG, text=f"note {number}"))
    bob.post("/decide", data=decision("reject", SMALL, "small"))
    page = ann.get("/decisions").text
    assert page.count('class="event"') == PAGE_EVENTS
    assert f"{PAGE_EVENTS + 4} entries" in page
    assert "page 1 of 2" in page
    assert page.split('class="event"')[1].count("/pictures/") == 2
    last = ann.get("/decisions?page=2").text
    assert "note 0" in last
    only = ann.get("/decisions?by==Bob&kind=reject").text
    assert (only.count('class="event"'), "1 entries" in only) == (1, True)
    assert ann.get("/decisions?by=me&kind=reject").text.count('class="event"') == 0
    assert ann.get("/decisions?kind=nonsense").status_code == 422


def test_a_search_by_picture_has_an_address(ann: TestClient, session: ReviewSession) -> None:
    held = io.BytesIO()
    draw_picture(12).save(held, "PNG")
    files = {"picture": ("mine.png", held.getvalue())}
    sent = ann.post("/search", files=files, follow_redirects=False)
    assert sent.status_code == 303
    page = ann.get(sent.headers["location"]).text
    assert "Most similar to mine.png" in page
    ids = re.findall(r'name="part" value="(\w+)"', page)[:2]
    back = re.findall(r'name="back" value="(/search[^"]+)"', page)[0]
    done = ann.post("/decide", data=decision("confirm", ids, "", back=back)).text
    assert "Most similar to mine.png" in done
    gone = ann.get("/search?picture=0")
    assert (gone.status_code, "choose the picture again" in gone.text) == (400, True)


def test_a_remark_takes_listings_and_a_note_words(session: ReviewSession) -> None:
    for action, ids, text in ((Action.NOTE, BIG, ""), (Action.ASSIGN, [], "Ann"), (Action.NOTE, ["x"], "y")):
        with pytest.raises(UsageError):
            session.remark(action, "big", ids, text, "Ann")
    assert not session.decisions.path.exists()


def test_pages_are_never_kept_and_forms_always_redirect(ann: TestClient) -> None:
    for path in ("/", "/group?id=big", "/decisions", "/steps", "/accept", "/newer", "/search?id=00000"):
        assert ann.get(path).headers["cache-control"] == "no-store"
    forms: dict[str, dict[str, object]] = {
        "/decide": decision("confirm", BIG),
        "/note": remark(BIG, text="x"),
        "/assign": remark(BIG, to="x"),
        "/assign-all": {"to": "x"},
        "/undo": {"event": 1},
        "/newer": {},
        "/name": {"name": "x"},
        "/accept": {"seen": 99},
    }
    for path, form in forms.items():
        assert ann.post(path, data=form, follow_redirects=False).status_code == 303, path
    assert json.loads(ann.get("/newer").text)["newer"]


def test_groups_that_were_accepted_unseen_stay_in_the_sample_of_later_runs(
    found: Path, own_index: Path, session: ReviewSession
) -> None:
    client_of(session).post("/accept?tier==automatic", data={"seen": 0})
    pairs = [a_pair(*SURE, "confirmed", probability=0.97), a_pair(*SMALL, probability=0.95)]
    groups = [a_group("sure", SURE, "confirmed"), a_group("small", SMALL, "automatic")]
    later = ReviewSession.open(write_run_folder(found, own_index, pairs, groups))
    client = client_of(later)
    page = client.get("/?sample=automatic").text
    assert "2 random automatic groups" in page
    for _ in range(2):
        page = client.get("/?sample=automatic").text
        part = re.findall(r'name="part" value="(\w+)"', page)
        seen = re.findall(r'name="seen" value="(\d+)"', page)[0]
        group = re.findall(r'name="group" value="(\w+)"', page)[0]
        client.post("/decide", data=decision("confirm", part, group, int(seen), drawn="1"))
    assert {label.drawn for label in later.decisions.labels()} == {"automatic"}
    assert "Of 2 checked automatic groups, 2 are right" in client.get("/?sample=automatic").text
