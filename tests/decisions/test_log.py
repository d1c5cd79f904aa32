from __future__ import annotations

import shutil
import sqlite3
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from threading import Barrier

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.run_folders import rejected_pairs

from itemsearch.decisions.events import MOST_LISTINGS, Action, EventFilter
from itemsearch.decisions.log import FILE, DecisionLog
from itemsearch.decisions.of_index import labels_of_people
from itemsearch.decisions.pair_labels import PairLabel, all_different, all_same, different_from, is_valid
from itemsearch.decisions.remarks import Remarks, as_text
from itemsearch.errors import DecisionsError, StaleDecisionError
from itemsearch.search.build import build_index_folder
from itemsearch.search.engine import Engine
from itemsearch.search.versions import list_versions, prune_index, verify_index

HASHES = {id: f"hash of {id}" for id in "abcd"}


@pytest.fixture
def decisions(tmp_path: Path) -> DecisionLog:
    return DecisionLog.of_index(tmp_path)


def said(decisions: DecisionLog) -> dict[str, bool]:
    return {s.id_a + s.id_b: s.same for s in decisions.labels()}


def test_a_decision_is_labels_of_pairs_in_the_order_of_ids() -> None:
    assert [(s.id_a, s.id_b, s.same) for s in all_same("ba", HASHES)] == [("a", "b", True)]
    assert [s.id_a + s.id_b for s in all_different("abc", HASHES)] == ["ab", "ac", "bc"]
    assert [(s.id_a + s.id_b, s.same) for s in different_from("c", "ad", HASHES)] == [
        ("ac", False),
        ("cd", False),
    ]
    assert all_same("ba", HASHES)[0].hash_a == "hash of a"


def test_nothing_is_written_before_the_first_decision(decisions: DecisionLog) -> None:
    assert decisions.labels() == decisions.events() == []
    assert decisions.last_change() == decisions.last_change(["a"]) == 0
    assert not decisions.path.exists()


def test_the_latest_label_stands_and_undo_brings_the_earlier_back(decisions: DecisionLog) -> None:
    first = decisions.record(Action.CONFIRM, "g", all_same("abc", HASHES), 0, "abc")
    assert said(decisions) == {"ab": True, "ac": True, "bc": True}
    second = decisions.record(Action.SPLIT, "g", different_from("c", "ab", HASHES), first, "abc")
    assert said(decisions) == {"ab": True, "ac": False, "bc": False}
    undo = decisions.undo(second)
    assert said(decisions) == {"ab": True, "ac": True, "bc": True}
    assert [(e.number, e.action, e.undone, "".join(e.listings)) for e in decisions.events()] == [
        (undo, Action.UNDO, False, "abc"),
        (second, Action.SPLIT, True, "abc"),
        (first, Action.CONFIRM, False, "abc"),
    ]
    with pytest.raises(StaleDecisionError, match="undone already"):
        decisions.undo(second)
    with pytest.raises(StaleDecisionError):
        decisions.undo(undo)


def test_a_form_made_before_another_decision_is_refused_and_saves_nothing(decisions: DecisionLog) -> None:
    first = decisions.record(Action.CONFIRM, "g", all_same("ab", HASHES), 0, "ab")
    with pytest.raises(StaleDecisionError, match="confirm"):
        decisions.record(Action.REJECT, "g", all_different("ab", HASHES), 0, "ab")
    assert said(decisions) == {"ab": True}
    decisions.record(Action.CONFIRM, "h", all_same("cd", HASHES), 0, "cd")  # of other listings: no conflict
    seen = decisions.last_change("ab")
    assert seen == first
    decisions.undo(first)
    with pytest.raises(StaleDecisionError, match="undo"):
        decisions.record(Action.REJECT, "g", all_different("ab", HASHES), seen, "ab")


def test_of_people_who_decide_at_once_one_wins_and_all_others_are_told(decisions: DecisionLog) -> None:
    people = 8
    start = Barrier(people)

    def decide(_: int) -> bool:
        start.wait()
        try:
            decisions.record(Action.CONFIRM, "g", all_same("ab", HASHES), 0, "ab")
        except StaleDecisionError:
            return False
        return True

    with ThreadPoolExecutor(people) as pool:
        assert sum(pool.map(decide, range(people))) == 1
    assert len(decisions.events()) == 1


def test_decisions_on_different_groups_at_once_are_all_kept(decisions: DecisionLog) -> None:
    def decide(number: int) -> None:
        ids = [f"{number}-a", f"{number}-b"]
        decisions.record(Action.CONFIRM, str(number), all_same(ids, dict.fromkeys(ids, "")), 0, ids)

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(decide, range(40)))
    assert len(decisions.labels()) == 40


def test_a_label_is_valid_while_both_products_are_what_they_were() -> None:
    pair_labels = all_same("abc", HASHES)
    changed = {**HASHES, "b": "another picture"}
    assert [each.id_a + each.id_b for each in pair_labels if is_valid(each, changed)] == ["ac"]
    assert not any(is_valid(each, {"a": HASHES["a"]}) for each in pair_labels)


def test_decisions_survive_rebuilds_and_no_command_minds_them(store: Path, tmp_path: Path) -> None:
    folder = tmp_path / "index"
    build_index_folder(store, folder)
    engine = Engine.open(folder)
    assert rejected_pairs(engine) == set()
    hashes = dict(zip(*(engine.listings[name].to_pylist() for name in ("id", "content_hash")), strict=True))
    decisions = DecisionLog.of_index(folder)
    decisions.record(Action.REJECT, "g", all_different(["00001", "00000"], hashes), 0, [])
    decisions.record(Action.CONFIRM, "h", all_same(["00002", "00003"], hashes), 0, [])
    build_index_folder(store, folder)
    assert [listed.damage for listed in list_versions(folder)] == ["", ""]
    prune_index(folder, 1)
    verify_index(folder)
    rebuilt = Engine.open(folder)
    assert rejected_pairs(rebuilt) == {("00000", "00001")}
    assert labels_of_people(rebuilt).to_pylist() == [
        {"id_a": "00000", "id_b": "00001", "same": False, "drawn": False},
        {"id_a": "00002", "id_b": "00003", "same": True, "drawn": False},
    ]
    changed = rebuilt.listings["content_hash"].to_pylist()
    changed[1] = "another title"
    place = rebuilt.listings.column_names.index("content_hash")
    rebuilt.ranker.listings = rebuilt.listings.set_column(place, "content_hash", pa.array(changed))
    assert rejected_pairs(rebuilt) == set()
    assert labels_of_people(rebuilt)["same"].to_pylist() == [True]


def test_a_damaged_file_is_one_line_that_names_it(decisions: DecisionLog, tmp_path: Path) -> None:
    decisions.record(Action.CONFIRM, "g", all_same("ab", HASHES), 0, "ab")
    shutil.copy(decisions.path, tmp_path / "copy")
    decisions.path.write_bytes(b"no database" * 100)
    with pytest.raises(DecisionsError, match=f"{FILE}: file is not a database"):
        decisions.labels()


FIRST_FORMAT = """
create table events (number integer primary key autoincrement, at text not null, kind text not null,
    group_id text not null, undoes integer references events);
create table statements (event integer not null references events, id_a text not null, id_b text not null,
    same integer not null, hash_a text not null, hash_b text not null);
create index statements_event on statements (event);
create index statements_a on statements (id_a);
create index statements_b on statements (id_b);
create unique index events_undoes on events (undoes) where undoes is not null;
create view standing as select id_a, id_b, same, hash_a, hash_b, max(event) as event from statements
    where event not in (select undoes from events where undoes is not null) group by id_a, id_b;
insert into events values (1, '2025-01-01T00:00:00+00:00', 'split', 'g', null);
insert into events values (2, '2025-01-02T00:00:00+00:00', 'merge', 'h', null);
insert into events values (3, '2025-01-03T00:00:00+00:00', 'undo', 'h', 2);
insert into statements values (1, 'a', 'b', 0, 'hash of a', 'hash of b');
insert into statements values (2, 'c', 'd', 1, 'hash of c', 'hash of d');
pragma user_version = 1;
"""


def test_the_file_of_the_first_version_is_read_and_continued(decisions: DecisionLog) -> None:
    with sqlite3.connect(decisions.path) as db:
        db.executescript(FIRST_FORMAT)
    db.close()
    (label,) = decisions.labels()
    assert (label.id_a, label.id_b, label.same, label.action) == ("a", "b", False, "split")
    assert is_valid(label, HASHES)
    assert [event.action for event in decisions.events()] == [Action.UNDO, Action.MERGE, Action.SPLIT]
    assert label.drawn == ""
    seen = decisions.last_change("ab")
    decisions.record(Action.CONFIRM, "g", all_same("ab", HASHES), seen, "ab", drawn="automatic")
    assert said(decisions) == {"ab": True}
    assert decisions.labels()[0].drawn == "automatic"
    with sqlite3.connect(decisions.path) as db:
        assert db.execute("pragma user_version").fetchone() == (4,)
    db.close()


def test_the_file_of_the_second_version_is_read_and_continued(decisions: DecisionLog) -> None:
    with sqlite3.connect(decisions.path) as db:
        db.executescript(FIRST_FORMAT)
        db.executescript(
            "alter table events add column drawn text not null default ''; pragma user_version = 2;"
            "update events set drawn = 'review' where number = 1"
        )
    db.close()
    assert (decisions.labels()[0].drawn, decisions.labels()[0].who, decisions.keepers()) == ("review", "", [])
    assert {event.who for event in decisions.events()} == {""}
    seen = decisions.last_change("ab")
    decisions.record(Action.CONFIRM, "g", all_same("ab", HASHES), seen, "ab", who="Ann")
    assert [(label.who, label.drawn) for label in decisions.labels()] == [("Ann", "")]
    assert decisions.events()[0].who == "Ann"


def test_a_chosen_keeper_is_an_event_that_can_be_undone(decisions: DecisionLog) -> None:
    first = decisions.choose_keeper("b", "g", {id: HASHES[id] for id in "abc"}, 0, "abc", "Ann")
    second = decisions.choose_keeper("c", "g", {id: HASHES[id] for id in "abc"}, first, "abc")
    assert [(choice.id, choice.who, choice.event) for choice in decisions.keepers()] == [
        ("b", "Ann", first),
        ("c", "", second),
    ]
    event = decisions.event(first)
    assert event is not None
    assert (event.action, event.keeper, event.listings) == (Action.KEEP, "b", ("a", "b", "c"))
    with pytest.raises(StaleDecisionError, match="keep"):
        decisions.record(Action.REJECT, "g", all_different("ab", HASHES), first, "ab")
    undone = decisions.undo(second, "Bob")
    assert [choice.id for choice in decisions.keepers()] == ["b"]
    assert decisions.last_change("a") == undone
    assert decisions.events()[0].who == "Bob"
    assert decisions.labels() == []


@settings(max_examples=25, deadline=None)
@given(
    st.lists(
        st.tuples(st.sampled_from(["confirm", "reject", "split", "undo"]), st.integers(0, 5)), max_size=12
    )
)
def test_what_changed_since_an_event_makes_what_stands_now(steps: list[tuple[str, int]]) -> None:
    groups = ["ab", "abc", "bcd", "ad", "cd", "abcd"]
    with TemporaryDirectory() as folder:
        decisions = DecisionLog.of_index(Path(folder))
        standing: dict[tuple[str, str], PairLabel | None] = {}
        seen = 0
        for action, number in steps:
            if action == "undo":
                with suppress(StaleDecisionError):
                    decisions.undo(number)
            else:
                make = all_same if action == "confirm" else all_different
                decisions.record(Action(action), "g", make(groups[number], HASHES), 2**60, "")
            if number % 2:  # else two steps are read at once
                standing.update(decisions.changed_labels(seen))
                seen = decisions.last_change()
        standing.update(decisions.changed_labels(seen))
        left = {pair: label for pair, label in standing.items() if label}
        assert left == {(label.id_a, label.id_b): label for label in decisions.labels()}
        assert decisions.changed_labels(decisions.last_change()) == {}


def test_the_file_of_the_third_version_is_read_and_continued(decisions: DecisionLog) -> None:
    with sqlite3.connect(decisions.path) as db:
        db.executescript(FIRST_FORMAT)
        db.executescript(
            "alter table events add column drawn text not null default ''; pragma user_version = 3;"
            "alter table events add column who text not null default '';"
            "create table keepers (event integer not null, id text not null, hash text not null, "
            "chosen integer not null); insert into keepers values (1, 'a', 'hash of a', 1);"
            "update events set who = 'Ann' where number = 1"
        )
    db.close()
    assert [choice.id for choice in decisions.keepers()] == ["a"]
    assert (decisions.remarks(), decisions.people()) == ([], ["", "Ann"])
    assert [event.text for event in decisions.events()] == [""] * 3
    number = decisions.remark(Action.NOTE, "g", ["b", "a"], "ask the seller", "Bob")
    assert [(note.event, note.who, note.text, note.ids) for note in decisions.remarks()] == [
        (number, "Bob", "ask the seller", ("a", "b"))
    ]
    assert [choice.id for choice in decisions.keepers()] == ["a"]


def test_remarks_decide_nothing_and_are_undone_like_decisions(decisions: DecisionLog) -> None:
    decisions.remark(Action.ASSIGN, "g", "ab", "Bob", "Ann")
    note = decisions.remark(Action.NOTE, "g", "ab", "which size?", "Ann")
    assert decisions.last_change("ab") == 0
    assert decisions.labels() == []
    decisions.record(Action.CONFIRM, "g", all_same("ab", HASHES), 0, "ab", who="Bob")
    undo = decisions.undo(note, "Ann")
    assert [remark.text for remark in decisions.remarks()] == ["Bob"]
    event = decisions.event(undo)
    assert event is not None
    assert (event.undoes, event.took_back, event.text) == (note, Action.NOTE, "which size?")
    assert event.listings == ("a", "b")


def test_events_are_read_by_person_and_kind_in_pages(decisions: DecisionLog) -> None:
    numbers = [
        decisions.record(
            (Action.CONFIRM, Action.REJECT)[n % 2], "g", all_same("ab", HASHES), n, "ab", who="AB"[n % 2]
        )
        for n in range(6)
    ]
    undo = decisions.undo(numbers[2], "A")
    of_a = EventFilter(who="A")
    assert [event.number for event in decisions.events(2, 1, of_a)] == [numbers[4], numbers[2]]
    assert (decisions.count(of_a), decisions.count(EventFilter(who=""))) == (4, 0)
    assert [event.number for event in decisions.events(wanted=EventFilter("A", standing=True))] == [5, 1]
    assert decisions.count(EventFilter(action=Action.UNDO)) == 1
    assert [event.number for event in decisions.changes("b", numbers[3])] == [undo, 6, 5]
    assert decisions.changes("c", 0) == []


def test_an_event_on_thousands_names_the_first_and_the_count(decisions: DecisionLog) -> None:
    ids = [f"{n:04d}" for n in range(200)]
    number = decisions.remark(Action.ASSIGN, "", ids, "Ann")
    (event,) = decisions.events()
    assert (event.listings, event.count) == (tuple(ids[:MOST_LISTINGS]), 200)
    whole = decisions.event(number)
    assert whole is not None
    assert (whole.listings, whole.count) == (tuple(ids), 200)


def test_remarks_follow_their_listings_into_other_groups(decisions: DecisionLog) -> None:
    decisions.remark(Action.ASSIGN, "g", "abc", "Ann")
    decisions.remark(Action.ASSIGN, "h", "de", "Bob")
    first = decisions.remark(Action.NOTE, "g", "abc", "one", "Ann")
    second = decisions.remark(Action.NOTE, "h", "de", "two")
    held = Remarks.of(decisions.remarks())
    assert [held.assignee(ids) for ids in ("ab", "c", "cd", "xy")] == ["Ann", "Ann", "Bob", ""]
    assert [note.event for note in held.notes_on("ead")] == [first, second]
    assert held.people() == {"Ann", "Bob"}
    decisions.remark(Action.ASSIGN, "g", "cd", "")
    held = Remarks.of(decisions.remarks())
    assert [held.assignee(ids) for ids in ("ab", "cd", "abcd")] == ["Ann", "", ""]
    assert as_text(held.notes_on("ad"))[:12] == "one (Ann, 20"
