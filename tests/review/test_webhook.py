from __future__ import annotations

import base64
import hashlib
import hmac
import json
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from fastapi.testclient import TestClient
from support.receivers import Receiver, receiving

from itemsearch.decisions.events import Action
from itemsearch.errors import DecisionsError, UsageError
from itemsearch.review.app import build_app, deliver
from itemsearch.review.as_json import event_as_json
from itemsearch.review.decision_request import DecisionRequest
from itemsearch.review.deliver import FILE, Deliverer, Waits
from itemsearch.review.session import ReviewSession
from itemsearch.review.webhook import Webhook
from itemsearch.web.access import Address

SECRET = f"whsec_{base64.b64encode(b'0123456789abcdef01234567').decode()}"
QUICK = Waits(poll=0.01, first=0.02, longest=0.05)


@pytest.fixture
def session(found: Path) -> ReviewSession:
    return ReviewSession.open(found)


def decide(session: ReviewSession, group: str, action: Action = Action.CONFIRM) -> int:
    ids = [listing.id for listing in session.groups[group].listings]
    return session.decide(DecisionRequest(action, group, ids, session.labels().seen, ids, who="Ann"))


def deliverer_of(session: ReviewSession, receiver: Receiver, said: list[str], secret: str = "") -> Deliverer:
    webhook = Webhook.parse(receiver.url, secret)
    return Deliverer(
        webhook, session.decisions, lambda event: event_as_json(session, event), said.append, QUICK
    )


def wait_until(is_true: Callable[[], object]) -> None:
    until = time.monotonic() + 10
    while not is_true():
        assert time.monotonic() < until, "it did not happen within 10 seconds"
        time.sleep(0.01)


def test_each_decision_is_delivered_in_order_with_what_stands(session: ReviewSession) -> None:
    said: list[str] = []
    with receiving() as receiver, deliverer_of(session, receiver, said).running():
        confirmed = decide(session, "big")
        wait_until(lambda: len(receiver.bodies) == 1)
        decide(session, "small", Action.REJECT)
        request = DecisionRequest(Action.KEEP, "big", ["00000", "00001", "00002"], 9, [], who="Bo")
        session.keep("00002", request)
        session.decisions.undo(confirmed, "Bo")
        wait_until(lambda: len(receiver.bodies) == 4)
    first, second, third, last = receiver.messages
    assert [message["event"] for message in receiver.messages] == [1, 2, 3, 4]
    assert [message["action"] for message in receiver.messages] == ["confirm", "reject", "keep", "undo"]
    assert [message["who"] for message in receiver.messages] == ["Ann", "Ann", "Bo", "Bo"]
    assert (first["version"], first["group"], first["undoes"], first["keeper"]) == (1, "big", None, "")
    assert [listing["id"] for listing in first["listings"]] == ["00000", "00001", "00002"]
    assert first["listings"][0].keys() == {"id", "title", "category", "seller"}
    product = {"keeper": "00000", "listings": ["00000", "00001", "00002"]}
    assert first["stands"] == {"products": [product], "different": []}
    assert second["stands"] == {"products": [], "different": [["00010", "00011"]]}
    assert third["keeper"] == "00002"
    assert (last["undoes"], last["stands"]) == (confirmed, {"products": [], "different": []})
    assert len({message["id"] for message in receiver.messages}) == 4
    assert said == []


def test_many_groups_accepted_at_once_are_one_event_with_all_listings(session: ReviewSession) -> None:
    with receiving() as receiver, deliverer_of(session, receiver, []).running():
        session.accept(list(session.groups.values()), 0, "Ann")
        session.remark(Action.NOTE, "big", ["00000", "00001"], "ask the seller", "Bo")
        wait_until(lambda: len(receiver.bodies) == 2)
    accepted, noted = receiver.messages
    assert (accepted["action"], accepted["group"]) == ("accept", "")
    assert len(accepted["listings"]) == 7
    assert [product["listings"] for product in accepted["stands"]["products"]] == [
        ["00000", "00001", "00002"],
        ["00010", "00011"],
        ["00020", "00021"],
    ]
    assert (noted["action"], noted["text"], noted["who"]) == ("note", "ask the seller", "Bo")
    assert [listing["id"] for listing in noted["listings"]] == ["00000", "00001"]


def test_a_receiver_that_fails_gets_everything_in_order_and_people_are_told(session: ReviewSession) -> None:
    said: list[str] = []
    answers = [500, 302, 404]
    with receiving(answers) as receiver:
        deliverer = deliverer_of(session, receiver, said)
        receiver.held.clear()
        with deliverer.running():
            decide(session, "big")
            decide(session, "small")
            receiver.held.set()
            wait_until(lambda: len(receiver.bodies) == 5)
            wait_until(lambda: len(said) == 2)
    assert [message["event"] for message in receiver.messages] == [1, 1, 1, 1, 2]
    assert len({headers["webhook-id"] for headers in receiver.headers}) == 2
    assert "2 decisions are saved here" in said[0]
    assert "it answers 500" in said[0]
    assert "answers again" in said[1]
    assert "hidden" not in "".join(said)
    assert deliverer.notice() == ""


def test_what_was_not_delivered_survives_a_restart(found: Path) -> None:
    session, said = ReviewSession.open(found), list[str]()
    decide(session, "sure")  # before there was a webhook
    with receiving() as receiver:
        port = int(receiver.url.split(":")[2].split("/")[0])
        with deliverer_of(session, receiver, said).running():
            decide(session, "big")
            wait_until(lambda: receiver.bodies)
    with deliverer_of(session, receiver, said).running():  # nobody listens there any longer
        decide(session, "small")
        wait_until(lambda: said)
    assert "1 decision is saved here" in said[0]
    again = ReviewSession.open(found)
    with receiving(port=port) as back, deliverer_of(again, back, said).running():
        wait_until(lambda: back.bodies)
    assert [message["event"] for message in receiver.messages + back.messages] == [2, 3]
    held = (session.engine.folder / FILE).read_text()
    assert "127.0.0.1" not in held
    assert list(json.loads(held)["delivered"].values()) == [3]


def test_no_decision_waits_for_the_receiver_and_pages_say_that_it_is_down(found: Path) -> None:
    with receiving([503] * 1000) as receiver:
        app = build_app(ReviewSession.open(found), Address(), "Ann")
        deliverer = deliver(app, Webhook.parse(receiver.url, ""), lambda words: None)
        client = TestClient(app, base_url="http://localhost", headers={"Origin": "http://localhost"})
        receiver.held.clear()
        with deliverer.running():
            form = {"action": "confirm", "group": "big", "seen": 0, "part": ["00000", "00001"], "shown": []}
            form["shown"] = form["part"]
            start = time.monotonic()
            assert client.post("/decide", data=form, follow_redirects=False).status_code == 303
            assert time.monotonic() - start < 1
            assert "not yet delivered" not in client.get("/").text
            receiver.held.set()
            wait_until(lambda: "not yet delivered to http://127.0.0.1" in client.get("/").text)
            assert "it answers 503" in client.get("/decisions").text


def test_requests_are_signed_so_that_libraries_of_standard_webhooks_accept_them(
    session: ReviewSession,
) -> None:
    with receiving() as receiver, deliverer_of(session, receiver, [], SECRET).running():
        decide(session, "big")
        wait_until(lambda: receiver.headers)
    (headers,), (body,) = receiver.headers, receiver.bodies
    signed = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.".encode() + body
    digest = hmac.new(b"0123456789abcdef01234567", signed, hashlib.sha256).digest()
    assert headers["webhook-signature"] == f"v1,{base64.b64encode(digest).decode()}"
    assert headers["webhook-id"] == json.loads(body)["id"]
    assert abs(int(headers["webhook-timestamp"]) - time.time()) < 60
    assert headers["content-type"] == "application/json"


def test_the_example_of_the_standard_has_the_signature_that_the_standard_says() -> None:
    webhook = Webhook.parse("http://localhost", "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
    headers = webhook.headers("msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330, b'{"test": 2432232314}')
    assert headers["webhook-signature"] == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


@pytest.mark.parametrize(
    ("url", "secret", "words"),
    [
        ("shop.example/hook", "", "--on-decision 'shop.example/hook': write a web address"),
        ("ftp://shop.example", "", "write a web address"),
        ("http://", "", "write a web address"),
        ("http://shop.example", "letmein", "whsec_ and 24 to 64 random bytes"),
        ("http://shop.example", "whsec_c2hvcnQ=", "whsec_ and 24 to 64 random bytes"),
    ],
)
def test_what_cannot_be_used_is_refused_in_one_line(url: str, secret: str, words: str) -> None:
    with pytest.raises(UsageError, match=words.replace("(", r"\(")):
        Webhook.parse(url, secret)


def test_a_damaged_file_is_named(session: ReviewSession) -> None:
    (session.engine.folder / FILE).write_text("{")
    with (
        receiving() as receiver,
        pytest.raises(DecisionsError, match=FILE),
        deliverer_of(session, receiver, []).running(),
    ):
        pass
