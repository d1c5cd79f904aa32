from __future__ import annotations

import csv
import json
import shutil
from pathlib import Path
from typing import Any
from zipfile import ZipFile

import numpy as np
import pytest
from support.indexes_of_listings import build, jpeg, listing
from support.run_folders import a_group, a_pair, write_run_folder

from itemsearch.actions.export import EXPORTED, ExportConfig, ExportReport, export_actions
from itemsearch.decisions.events import Action
from itemsearch.errors import DecisionsError, UsageError
from itemsearch.review.decision_request import DecisionRequest
from itemsearch.review.session import ReviewSession

LINK = "https://shop.example/{id}?from=a b"


@pytest.fixture
def found(tmp_path: Path) -> Path:
    """Eight mugs, three groups: one to review, two automatic."""
    vectors = np.eye(16, dtype=np.float32)
    rows: list[tuple[str, str, str, str, str, str]] = [
        ("007", "Red mug", "Ann", "9.50", "2024-01-01", "=1+1"),
        ("a2", "Red mug with a handle", "Bob", "8.00", "2025-05-05", ""),
        ("a3", "Mug", "", "", "", "tall"),
        ("b1", "Blue mug", "Ann", "5.00", "2024-01-01", ""),
        ("b2", "Blue mug", "Bob", "6.00", "2024-01-02", ""),
        ("c1", "Green mug", "Ann", "7.00", "2024-01-01", ""),
        ("c2", "Green mug", "Bob", "7.00", "2024-01-02", ""),
        ("d1", "Lone mug", "Bob", "1.00", "2024-01-02", ""),
    ]
    made = [
        listing(id, title, vectors[n], jpeg(n), seller=seller, price=price, added=added, group=note)
        for n, (id, title, seller, price, added, note) in enumerate(rows)
    ]
    index = build(tmp_path, made)
    groups = [
        a_group("A", ["007", "a2", "a3"]),
        a_group("B", ["b1", "b2"], "automatic"),
        a_group("C", ["c1", "c2"], "automatic"),
    ]
    pairs = [a_pair("007", "a2"), a_pair("b1", "b2"), a_pair("c1", "c2")]
    return write_run_folder(tmp_path / "found", index, pairs, groups)


def decide(folder: Path, action: Action, ids: list[str], who: str = "Zoe") -> int:
    session = ReviewSession.open(folder)
    seen = session.decisions.last_change()
    return session.decide(DecisionRequest(action, "", ids, seen, ids, who=who))


def export(folder: Path, name: str = "actions.csv", dry_run: bool = False, **options: Any) -> ExportReport:
    return export_actions(ReviewSession.open(folder), ExportConfig(folder / name, **options), dry_run)


def rows(path: Path) -> list[dict[str, str]]:
    with path.open(newline="", encoding="utf-8-sig") as file:
        return list(csv.DictReader(file))


def done(path: Path) -> dict[str, str]:
    return {row["id"]: row["action"] for row in rows(path)}


def test_decided_products_say_what_to_keep_and_what_to_take_down(found: Path) -> None:
    assert export(found, dry_run=True).rows == 0
    decide(found, Action.CONFIRM, ["007", "a2", "a3"])
    decide(found, Action.REJECT, ["b1", "b2"])
    report = export(found)
    assert (report.products, report.actions) == (1, {"keep": 1, "take down": 2, "redirect": 0})
    exported = rows(found / "actions.csv")
    assert [(row["id"], row["action"], row["keeper_id"]) for row in exported] == [
        ("007", "keep", "007"),
        ("a2", "take down", "007"),
        ("a3", "take down", "007"),
    ]
    second = exported[1]
    assert (second["title"], second["seller"], second["price"]) == ("Red mug with a handle", "Bob", "8.00")
    assert (second["tier"], second["probability"], second["who"]) == ("confirmed", "1.0", "Zoe")
    assert second["reason"].startswith("Zoe decided on 20")
    assert second["when"].startswith("20")
    assert (second["added"], exported[0]["catalog group"]) == ("2025-05-05", "'=1+1")
    assert "thumbnail" not in second


def test_a_second_export_holds_only_what_is_new(found: Path) -> None:
    decide(found, Action.CONFIRM, ["007", "a2"])
    assert export(found, dry_run=True).rows == 2
    assert not (found / "actions.csv").exists()
    assert export(found).rows == 2
    again = export(found)
    assert (again.rows, again.before) == (0, 2)
    assert rows(found / "actions.csv") == []
    decide(found, Action.MERGE, ["007", "a2", "a3"])
    assert export(found).rows == 1
    assert done(found / "actions.csv") == {"a3": "take down"}
    session = ReviewSession.open(found)
    request = DecisionRequest(Action.KEEP, "A", ["007", "a2", "a3"], 9, [], who="Zoe")
    session.keep("a2", request)
    export(found)
    assert done(found / "actions.csv") == {"a2": "keep", "007": "take down", "a3": "take down"}
    assert rows(found / "actions.csv")[0]["reason"].startswith("Zoe chose on 20")
    assert export(found, everything=True).rows == 3


def test_what_was_taken_back_is_to_be_kept(found: Path) -> None:
    event = decide(found, Action.CONFIRM, ["007", "a2"])
    export(found)
    ReviewSession.open(found).decisions.undo(event)
    report = export(found)
    assert report.taken_back == 1
    (row,) = rows(found / "actions.csv")
    assert (row["id"], row["action"], row["keeper_id"]) == ("a2", "keep", "a2")
    assert row["reason"] == "taken back since it was exported as: take down"
    assert export(found).rows == 0


def test_automatic_groups_come_by_option_but_for_those_that_people_changed(found: Path) -> None:
    report = export(found, automatic=True)
    assert done(found / "actions.csv") == {"b1": "keep", "b2": "take down", "c1": "keep", "c2": "take down"}
    row = rows(found / "actions.csv")[1]
    assert (row["tier"], row["who"]) == ("automatic", "")
    assert row["reason"] == "probability 0.990, a duplicate from 0.900"
    assert float(row["probability"]) == pytest.approx(0.9)
    decide(found, Action.REJECT, ["b1", "b2"])
    decide(found, Action.MERGE, ["c2", "d1"])
    report = export(found, automatic=True)
    assert (report.taken_back, report.pending) == (1, 2)
    assert done(found / "actions.csv") == {"b2": "keep", "c2": "keep", "d1": "take down"}
    assert export(found).rows == 0  # without the option, automatic ones are not taken for gone


def test_addresses_make_redirects(found: Path) -> None:
    decide(found, Action.CONFIRM, ["007", "a2"])
    export(found, link=LINK)
    row = rows(found / "actions.csv")[1]
    assert row["action"] == "redirect"
    assert row["redirect_from"] == row["address"] == "https://shop.example/a2?from=a b"
    assert row["redirect_to"] == "https://shop.example/007?from=a b"
    assert export(found).rows == 0  # a forgotten --link makes nothing new
    for wrong in ("shop.example/{id}", "javascript:alert('{id}')", "https://shop.example/", "https://{id}/"):
        with pytest.raises(UsageError, match="--link"):
            export(found, link=wrong)


def test_every_kind_of_file_keeps_ids_as_text(found: Path) -> None:
    decide(found, Action.CONFIRM, ["007", "a2"])
    export(found, "actions.jsonl")
    lines = [json.loads(line) for line in (found / "actions.jsonl").read_text().splitlines()]
    assert (lines[0]["id"], lines[0]["catalog group"], lines[0]["probability"]) == ("007", "=1+1", 1.0)
    export(found, "actions.xlsx", everything=True)
    with ZipFile(found / "actions.xlsx") as book:
        sheet = book.read("xl/worksheets/sheet1.xml").decode()
    assert "<t>007</t>" in sheet
    assert "<f>" not in sheet
    assert "<t>=1+1</t>" in sheet
    with pytest.raises(UsageError, match=r"actions\.txt: end its name in"):
        export(found, "actions.txt")


def test_the_merged_listing_takes_each_value_by_its_rule(found: Path) -> None:
    decide(found, Action.CONFIRM, ["007", "a2", "a3"])
    merged = found / "merged.csv"

    def row(**options: Any) -> dict[str, str]:
        export(found, merged=merged, everything=True, **options)
        (only,) = rows(merged)
        return only

    plain = row()
    assert (plain["keeper_id"], plain["listings"]) == ("007", "007 a2 a3")
    assert (plain["title"], plain["title from"]) == ("Red mug", "007")
    assert plain["catalog group"] == "'=1+1"
    ruled = row(rules=("title=longest", "price=lowest", "added=highest", "seller=keeper"))
    assert (ruled["title"], ruled["title from"]) == ("Red mug with a handle", "a2")
    assert (ruled["price"], ruled["price from"]) == ("8.00", "a2")
    assert (ruled["added"], ruled["seller"]) == ("2025-05-05", "Ann")
    newest = row(newest="added")
    assert (newest["title from"], newest["price"], newest["catalog group"]) == ("a2", "8.00", "'=1+1")
    for options in ({"rules": ("price=best",)}, {"rules": ("prize=lowest",)}, {"newest": "none"}):
        with pytest.raises(UsageError):
            row(**options)


def test_an_empty_keeper_is_filled_by_the_most_complete(found: Path) -> None:
    decide(found, Action.CONFIRM, ["007", "a2", "a3"])
    session = ReviewSession.open(found)
    session.keep("a3", DecisionRequest(Action.KEEP, "A", ["007", "a2", "a3"], 9, []))
    export(found, merged=found / "merged.csv", rules=("seller=keeper",))
    (row,) = rows(found / "merged.csv")
    assert (row["title"], row["price"], row["price from"]) == ("Mug", "9.50", "007")
    assert (row["seller"], row["seller from"]) == ("", "")


def test_a_damaged_record_of_exports_is_named(found: Path) -> None:
    decide(found, Action.CONFIRM, ["007", "a2"])
    export(found)
    path = ReviewSession.open(found).engine.folder / EXPORTED
    path.write_text("{")
    with pytest.raises(DecisionsError, match=EXPORTED):
        export(found)


def test_the_index_may_lie_elsewhere(found: Path, tmp_path: Path) -> None:
    moved = Path(shutil.move(tmp_path / "index", tmp_path / "elsewhere"))
    session = ReviewSession.open(found, moved)
    assert len(session.groups) == 3


def test_notes_stand_beside_the_listings_that_they_are_on(found: Path) -> None:
    ReviewSession.open(found).remark(Action.NOTE, "A", ["007", "a2"], "ask for the size", "Zoe")
    decide(found, Action.CONFIRM, ["007", "a2", "a3"])
    export(found)
    notes = {row["id"]: row["notes"] for row in rows(found / "actions.csv")}
    assert (notes["007"][:22], notes["a3"]) == ("ask for the size (Zoe,", "")
    assert notes["a2"] == notes["007"]
