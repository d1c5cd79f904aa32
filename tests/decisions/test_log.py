from __future__ import annotations

import shutil
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier

import pyarrow as pa
import pytest

from itemsearch.decisions.log import FILE, Decisions, Kind, labels, rejected_pairs
from itemsearch.decisions.statements import all_different, apart, holding, same_product
from itemsearch.errors import DecisionsError, StaleDecisionError
from itemsearch.search.build import build_index_folder
from itemsearch.search.engine import Engine
from itemsearch.search.versions import list_versions, prune_index, verify_index

HASHES = {id: f"hash of {id}" for id in "abcd"}


@pytest.fixture
def decisions(tmp_path: Path) -> Decisions:
    return Decisions.of_index(tmp_path)


def said(decisions: Decisions) -> dict[str, bool]:
    return {s.id_a + s.id_b: s.same for s in decisions.statements()}


def test_a_decision_is_statements_about_pairs_in_the_order_of_ids() -> None:
    assert [(s.id_a, s.id_b, s.same) for s in same_product("ba", HASHES)] == [("a", "b", True)]
    assert [s.id_a + s.id_b for s in all_different("abc", HASHES)] == ["ab", "ac", "bc"]
    assert [(s.id_a + s.id_b, s.same) for s in apart("c", "ad", HASHES)] == [("ac", False), ("cd", False)]
    assert same_product("ba", HASHES)[0].hash_a == "hash of a"


def test_nothing_is_written_before_the_first_decision(decisions: Decisions) -> None:
    assert decisions.statements() == decisions.events() == []
    assert decisions.last_change() == decisions.last_change(["a"]) == 0
    assert not decisions.path.exists()


def test_the_latest_statement_stands_and_undo_brings_the_earlier_back(decisions: Decisions) -> None:
    first = decisions.record(Kind.CONFIRM, "g", same_product("abc", HASHES), 0, "abc")
    assert said(decisions) == {"ab": True, "ac": True, "bc": True}
    second = decisions.record(Kind.SPLIT, "g", apart("c", "ab", HASHES), first, "abc")
    assert said(decisions) == {"ab": True, "ac": False, "bc": False}
    undo = decisions.undo(second)
    assert said(decisions) == {"ab": True, "ac": True, "bc": True}
    assert [(e.number, e.kind, e.undone, "".join(e.listings)) for e in decisions.events()] == [
        (undo, Kind.UNDO, False, "abc"),
        (second, Kind.SPLIT, True, "abc"),
        (first, Kind.CONFIRM, False, "abc"),
    ]
    with pytest.raises(StaleDecisionError, match="undone already"):
        decisions.undo(second)
    with pytest.raises(StaleDecisionError):
        decisions.undo(undo)


def test_a_form_made_before_another_decision_is_refused_and_saves_nothing(decisions: Decisions) -> None:
    first = decisions.record(Kind.CONFIRM, "g", same_product("ab", HASHES), 0, "ab")
    with pytest.raises(StaleDecisionError, match="confirm"):
        decisions.record(Kind.REJECT, "g", all_different("ab", HASHES), 0, "ab")
    assert said(decisions) == {"ab": True}
    decisions.record(Kind.CONFIRM, "h", same_product("cd", HASHES), 0, "cd")  # of other listings: no conflict
    seen = decisions.last_change("ab")
    assert seen == first
    decisions.undo(first)
    with pytest.raises(StaleDecisionError, match="undo"):
        decisions.record(Kind.REJECT, "g", all_different("ab", HASHES), seen, "ab")


def test_of_people_who_decide_at_once_one_wins_and_all_others_are_told(decisions: Decisions) -> None:
    people = 8
    start = Barrier(people)

    def decide(_: int) -> bool:
        start.wait()
        try:
            decisions.record(Kind.CONFIRM, "g", same_product("ab", HASHES), 0, "ab")
        except StaleDecisionError:
            return False
        return True

    with ThreadPoolExecutor(people) as pool:
        assert sum(pool.map(decide, range(people))) == 1
    assert len(decisions.events()) == 1


def test_decisions_on_different_groups_at_once_are_all_kept(decisions: Decisions) -> None:
    def decide(number: int) -> None:
        ids = [f"{number}-a", f"{number}-b"]
        decisions.record(Kind.CONFIRM, str(number), same_product(ids, dict.fromkeys(ids, "")), 0, ids)

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(decide, range(40)))
    assert len(decisions.statements()) == 40


def test_a_statement_holds_while_both_products_are_what_they_were() -> None:
    statements = same_product("abc", HASHES)
    assert [s.id_a + s.id_b for s in holding(statements, {**HASHES, "b": "another picture"})] == ["ac"]
    assert holding(statements, {"a": HASHES["a"]}) == []


def test_decisions_survive_rebuilds_and_no_command_minds_them(store: Path, tmp_path: Path) -> None:
    folder = tmp_path / "index"
    build_index_folder(store, folder)
    engine = Engine.open(folder)
    assert rejected_pairs(engine) == set()
    hashes = dict(zip(*(engine.listings[name].to_pylist() for name in ("id", "content_hash")), strict=True))
    decisions = Decisions.of_index(folder)
    decisions.record(Kind.REJECT, "g", all_different(["00001", "00000"], hashes), 0, [])
    decisions.record(Kind.CONFIRM, "h", same_product(["00002", "00003"], hashes), 0, [])
    build_index_folder(store, folder)
    assert [listed.damage for listed in list_versions(folder)] == ["", ""]
    prune_index(folder, 1)
    verify_index(folder)
    rebuilt = Engine.open(folder)
    assert rejected_pairs(rebuilt) == {("00000", "00001")}
    assert labels(rebuilt).to_pylist() == [
        {"id_a": "00000", "id_b": "00001", "same": False},
        {"id_a": "00002", "id_b": "00003", "same": True},
    ]
    changed = rebuilt.listings["content_hash"].to_pylist()
    changed[1] = "another title"
    place = rebuilt.listings.column_names.index("content_hash")
    rebuilt.ranker.listings = rebuilt.listings.set_column(place, "content_hash", pa.array(changed))
    assert rejected_pairs(rebuilt) == set()
    assert labels(rebuilt)["same"].to_pylist() == [True]


def test_a_damaged_file_is_one_line_that_names_it(decisions: Decisions, tmp_path: Path) -> None:
    decisions.record(Kind.CONFIRM, "g", same_product("ab", HASHES), 0, "ab")
    shutil.copy(decisions.path, tmp_path / "copy")
    decisions.path.write_bytes(b"no database" * 100)
    with pytest.raises(DecisionsError, match=f"{FILE}: file is not a database"):
        decisions.statements()
