from __future__ import annotations

import csv
import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from support.indexes_of_listings import build, jpeg, listing, opened, some_listings

from itemsearch.decisions.events import Action
from itemsearch.decisions.log import DecisionLog
from itemsearch.decisions.pair_labels import all_different, all_same
from itemsearch.decisions.sample import drawn_place
from itemsearch.decode import decode
from itemsearch.duplicates.pairs.candidates import CandidateConfig
from itemsearch.duplicates.pairs.join import JoinConfig, join
from itemsearch.duplicates.pairs.learn import learn
from itemsearch.duplicates.run import RunConfig, find_duplicates, judge_pairs
from itemsearch.duplicates.run_folder import RunReport, read_run
from itemsearch.duplicates.types import GROUPS_SCHEMA, PAIRS_SCHEMA
from itemsearch.errors import ReviewError, UsageError
from itemsearch.probability.model import Model
from itemsearch.review.report import report_facts
from itemsearch.review.session import ReviewSession
from itemsearch.search.build import build_index_folder
from itemsearch.search.engine import Engine
from itemsearch.search.filter import Filter

CONFIG = RunConfig(JoinConfig(candidates=CandidateConfig(neighbours=1000)), min_probability=0.25)


def run(engine: Engine, out: Path, config: RunConfig = CONFIG) -> RunReport:
    return find_duplicates(engine, out, config, lambda step, done, total: None)


def pairs_in(out: Path) -> list[dict]:
    return pq.read_table(out / "pairs.parquet").to_pylist()


def groups_in(out: Path) -> dict[str, set[str]]:
    groups: dict[str, set[str]] = {}
    for member in pq.read_table(out / "groups.parquet").to_pylist():
        groups.setdefault(member["group_id"], set()).add(member["id"])
    return groups


def test_a_run_writes_what_it_found_and_clears_up(tmp_path: Path) -> None:
    engine, out = opened(build(tmp_path, some_listings(120))), tmp_path / "out"
    report = run(engine, out)
    names = {"pairs.parquet", "groups.parquet", "groups.csv", "changes.json", "run.json"}
    assert {path.name for path in out.iterdir()} == names
    assert pq.read_schema(out / "pairs.parquet").equals(PAIRS_SCHEMA)
    assert pq.read_schema(out / "groups.parquet").equals(GROUPS_SCHEMA)
    pairs = pairs_in(out)
    assert len(pairs) == sum(report.pairs.values()) > 0
    probabilities = [pair["probability"] for pair in pairs]
    assert probabilities == sorted(probabilities, reverse=True)
    assert all(pair["id_a"] < pair["id_b"] for pair in pairs)
    assert report.weakest[0].probability == min(
        pair["probability"] for pair in pairs if pair["decision"] == "duplicate"
    )
    described = json.loads((out / "run.json").read_text())
    assert (described["version"], described["report"]["rows"]) == (1, 120)
    assert described["index"] == "../index"  # the folders can be moved together
    assert str(tmp_path) not in (out / "run.json").read_text()
    assert {"00008", "00009"} in groups_in(out).values()


def test_unchanged_data_has_the_same_ids_and_no_changes(tmp_path: Path) -> None:
    made = some_listings(120)
    index, out = build(tmp_path, made), tmp_path / "out"
    first = run(opened(index), out)
    assert first.changes["new"] == len(groups_in(out)) > 0
    before = groups_in(out)
    again = run(opened(build(tmp_path, made[::-1])), out)
    assert set(again.changes.values()) == {0}
    assert groups_in(out) == before
    elsewhere = run(opened(index), tmp_path / "other", replace(CONFIG, since=out))
    assert set(elsewhere.changes.values()) == {0}
    with pytest.raises(UsageError, match="no such file"):
        run(opened(index), out, replace(CONFIG, since=tmp_path / "none"))


def test_variants_are_told_and_in_no_group(tmp_path: Path) -> None:
    """One photo of two sizes of oil; a shirt in red and in blue, and the red one listed again."""
    oil, shirt = (made["embedding"] for made in some_listings(2))
    made = [
        listing("oil-1", "Olive oil extra virgin 500 ml", oil, jpeg(1)),
        listing("oil-2", "Olive oil extra virgin 1 l", oil, jpeg(1)),
        listing("shirt-1", "Cotton shirt red", shirt, jpeg(2)),
        listing("shirt-2", "Cotton shirt blue", shirt, jpeg(2)),
        listing("shirt-3", "cotton shirt in red", shirt, jpeg(2)),
    ]
    engine = opened(build(tmp_path, made))
    run(engine, tmp_path / "out", replace(CONFIG, min_probability=0.01))
    found = {(pair["id_a"], pair["id_b"]): pair for pair in pairs_in(tmp_path / "out")}
    assert found["oil-1", "oil-2"]["decision"] == found["shirt-1", "shirt-2"]["decision"] == "variant"
    assert found["oil-1", "oil-2"]["reason"].endswith(": alike, but size: 500 ml / 1 l")
    assert found["shirt-1", "shirt-2"]["reason"].endswith(": alike, but colour: red / blue")
    assert found["shirt-1", "shirt-3"]["decision"] == "duplicate"
    assert list(groups_in(tmp_path / "out").values()) == [{"shirt-1", "shirt-3"}]


def hashes_of(engine: Engine) -> dict[str, str]:
    return dict(zip(*(engine.listings[name].to_pylist() for name in ("id", "content_hash")), strict=True))


def test_what_a_person_rejected_stays_apart(tmp_path: Path) -> None:
    index, out = build(tmp_path, some_listings(60)), tmp_path / "out"
    engine = opened(index)
    labels = all_different(["00008", "00009"], hashes_of(engine))
    DecisionLog.of_index(index).record(Action.REJECT, "g", labels, 0, ["00008", "00009"])
    run(engine, out)
    (pair,) = [pair for pair in pairs_in(out) if (pair["id_a"], pair["id_b"]) == ("00008", "00009")]
    assert pair["decision"] == "rejected"
    assert {"00008", "00009"} not in groups_in(out).values()


def test_what_people_joined_is_one_confirmed_group_until_a_listing_changes(tmp_path: Path) -> None:
    """Two found groups, and a listing that was compared with none of theirs."""
    made = some_listings(120)
    index, out = build(tmp_path, made), tmp_path / "out"
    engine = opened(index)
    near = RunConfig(min_probability=0.25)
    run(engine, out, near)
    merged = ["00008", "00009", "00018", "00019", "00077"]
    assert {"00008", "00009"} in groups_in(out).values()
    assert ("00008", "00077") not in {(pair["id_a"], pair["id_b"]) for pair in pairs_in(out)}
    log = DecisionLog.of_index(index)
    event = log.record(Action.MERGE, "g", all_same(merged, hashes_of(engine)), 0, merged)
    for place, new in enumerate(("", str(out), str(tmp_path / "again0"))):
        again = tmp_path / f"again{place}"
        report = run(engine, again, replace(near, new=new))
        assert set(merged) in groups_in(again).values()
        assert (report.groups["confirmed"], report.pairs["confirmed"]) == (1, 10)
        groups = pq.read_table(again / "groups.parquet", filters=[("id", "in", merged)]).to_pylist()
        assert {(each["tier"], each["probability"], each["flag"]) for each in groups} == {
            ("confirmed", 1, None)
        }
        with (again / "groups.csv").open(encoding="utf-8-sig") as file:
            assert {row["tier"] for row in csv.DictReader(file) if row["id"] in merged} == {"confirmed"}
        known = {(pair["id_a"], pair["id_b"]): pair for pair in pairs_in(again)}
        assert known["00008", "00077"]["probability"] is None
        assert known["00008", "00077"]["reason"].startswith("a person decided on 20")
        assert known["00008", "00009"]["probability"] > 0.25
    assert "1 confirmed by people" in report_facts(report)[0]
    assert "10 pairs that people decided are left out" in report_facts(report)[1]
    log.undo(event)
    for new in ("", str(tmp_path / "again2")):
        run(engine, tmp_path / "undone", replace(near, new=new))
        assert groups_in(tmp_path / "undone") == groups_in(out)
    log.record(Action.MERGE, "g", all_same(merged, hashes_of(engine)), log.last_change(), merged)
    made[77] = listing("00077", "another thing", made[77]["embedding"], jpeg(99), seller="s0")
    run(opened(build(tmp_path, made)), out, near)
    assert set(merged[:4]) in groups_in(out).values()


def test_the_keeper_that_a_person_chose_lasts_over_runs_until_it_changes(tmp_path: Path) -> None:
    made = some_listings(60)
    index, out = build(tmp_path, made), tmp_path / "out"
    engine = opened(index)
    run(engine, out)

    def keeper() -> str:
        groups = pq.read_table(out / "groups.parquet").to_pylist()
        (group_id,) = {each["group_id"] for each in groups if each["id"] == "00008"}
        members = [each for each in groups if each["group_id"] == group_id]
        assert [each["keeper"] for each in members] == [True] + [False] * (len(members) - 1)
        assert [each["id"] for each in members[1:]] == sorted(each["id"] for each in members[1:])
        return str(members[0]["id"])

    proposed = keeper()
    (other,) = {"00008", "00009"} - {proposed}
    hashes = hashes_of(engine)
    log = DecisionLog.of_index(index)
    log.choose_keeper(other, "g", {id: hashes[id] for id in ("00008", "00009")}, 0, [])
    for new in ("", str(out)):
        run(engine, out, replace(CONFIG, new=new))
        assert keeper() == other
    log.undo(log.last_change())
    run(engine, out)
    assert keeper() == proposed
    log.choose_keeper(other, "g", {id: hashes[id] for id in ("00008", "00009")}, log.last_change(), [])
    place = int(other)
    made[place] = {**made[place], "content_hash": "another"}
    run(opened(build(tmp_path, made)), out)
    assert keeper() == proposed


def test_estimates_leave_out_the_pairs_that_people_decided(tmp_path: Path) -> None:
    index, out = build(tmp_path, some_listings(120)), tmp_path / "out"
    engine = opened(index)
    before = run(engine, out)
    pairs = [pair for pair in pairs_in(out) if pair["decision"] == "duplicate"]
    ids = [pairs[-1]["id_a"], pairs[-1]["id_b"]]
    DecisionLog.of_index(index).record(Action.REJECT, "g", all_different(ids, hashes_of(engine)), 0, ids)
    after = run(engine, out)
    assert after.estimates.automatic.pairs == before.estimates.automatic.pairs - 1
    assert after.estimates.automatic.precision.value > before.estimates.automatic.precision.value
    assert after.expected == pytest.approx(before.expected)


def test_a_listing_outside_the_filter_comes_in_by_no_decision(tmp_path: Path) -> None:
    index, out = build(tmp_path, some_listings(60)), tmp_path / "out"
    engine = opened(index)
    ids = ["00003", "00007", "00045"]
    DecisionLog.of_index(index).record(Action.CONFIRM, "", all_same(ids, hashes_of(engine)), 0, ids)
    run(engine, out, replace(CONFIG, join=JoinConfig(Filter("id < '00040'"))))
    assert {"00003", "00007"} in groups_in(out).values()


def test_drawn_groups_that_people_found_wrong_stay_in_the_measured_share(tmp_path: Path) -> None:
    index, out = build(tmp_path, some_listings(60)), tmp_path / "out"
    engine = opened(index)
    assert run(engine, out).estimates.checked == {}
    hashes = hashes_of(engine)
    automatic = pq.read_table(out / "groups.parquet", filters=[("tier", "=", "automatic")])[
        "group_id"
    ].to_pylist()
    drawn = sorted((sorted(groups_in(out)[name]) for name in set(automatic)), key=drawn_place)[:4]
    log = DecisionLog.of_index(index)
    for ids, make in zip(drawn, (all_same, all_different, all_same, all_same), strict=True):
        action = Action.CONFIRM if make is all_same else Action.REJECT
        log.record(action, "g", make(ids, hashes), log.last_change(ids), ids, "automatic")
    for again in range(2):
        report = run(engine, tmp_path / f"again{again}", replace(CONFIG, new=str(out) if again else ""))
        found = report.estimates.checked["automatic"]
        assert (found.groups, found.right) == (4, 3)
        assert set(drawn[1]) not in groups_in(tmp_path / f"again{again}").values()
    assert "from 4 checked groups" in " ".join(report_facts(report))


def test_a_run_of_what_is_new_makes_the_folder_that_a_full_run_makes(tmp_path: Path) -> None:
    made = some_listings(180)
    index, out = build(tmp_path, made[:150]), tmp_path / "out"
    run(opened(index), out)
    later = made[20:]
    later[5] = listing(later[5]["id"], later[6]["title"], later[6]["embedding"], jpeg(26), seller="s1")
    engine = opened(build(tmp_path, later))
    new = run(engine, tmp_path / "new", replace(CONFIG, new=str(out), since=out))
    full = run(engine, tmp_path / "full", replace(CONFIG, since=out))
    assert (new.joined, full.joined) == (31, 160)
    assert new.compared < full.compared
    assert groups_in(tmp_path / "new") == groups_in(tmp_path / "full")
    assert new.changes.keys() == full.changes.keys()
    exact = ("id_a", "id_b", "decision", "same_image", "words_a", "words_b")
    found = [
        [{name: pair[name] for name in exact} for pair in sorted(pairs_in(tmp_path / name), key=str)]
        for name in ("new", "full")
    ]
    assert sorted(found[0], key=str) == sorted(found[1], key=str)
    by_version = run(engine, tmp_path / "version", replace(CONFIG, new="1"))
    fresh = {"00025", *(f"{row:05d}" for row in range(150, 180))}
    assert 0 < sum(by_version.pairs.values()) < sum(full.pairs.values())
    assert all({pair["id_a"], pair["id_b"]} & fresh for pair in pairs_in(tmp_path / "version"))


def test_what_is_new_is_weighed_against_the_same_rivals_as_in_a_full_run(tmp_path: Path) -> None:
    made = some_listings(180)
    first = opened(build(tmp_path, made[:150]))
    run(first, tmp_path / "first")
    model = decode(Model, read_run(tmp_path / "first")["model"])
    engine = opened(build(tmp_path, made))
    run(engine, tmp_path / "new", replace(CONFIG, new=str(tmp_path / "first")))
    joined = join(engine, CONFIG.join, tmp_path / "join", lambda step, done, total: None)
    probability = learn(joined, across=False, model=model).probability
    ids = engine.listings["id"]
    names = (ids.take(joined.pairs[name]).to_pylist() for name in ("row_a", "row_b"))
    full = dict(zip(zip(*names, strict=True), probability.tolist(), strict=True))
    fresh = {f"{row:05d}" for row in range(150, 180)}
    new = [pair for pair in pairs_in(tmp_path / "new") if {pair["id_a"], pair["id_b"]} & fresh]
    assert len(new) > 0
    for pair in new:
        assert pair["probability"] == pytest.approx(full[pair["id_a"], pair["id_b"]], abs=0.02)


def test_new_goes_on_from_a_run_with_the_same_options_only(tmp_path: Path) -> None:
    engine, out = opened(build(tmp_path, some_listings(60))), tmp_path / "out"
    run(engine, out)
    other = replace(CONFIG, min_probability=0.7, new=str(out))
    with pytest.raises(UsageError, match="made with other options or another model"):
        run(engine, out, other)
    with pytest.raises(UsageError, match="neither the number of a version nor a folder"):
        run(engine, out, replace(CONFIG, new=str(tmp_path / "none")))


def test_formulas_are_defused_in_the_spreadsheet_alone(tmp_path: Path) -> None:
    vector = np.eye(16, dtype=np.float32)[0]
    bad = ["=1+1", "+SUM(A1)", "-2", "@cmd", "\ttab", "\rreturn", 'a "quoted", comma', "plain"]
    made = [listing(f"={n}", title, vector, jpeg(1)) for n, title in enumerate(bad)]
    out = tmp_path / "out"
    run(opened(build(tmp_path, made)), out, replace(CONFIG, min_probability=0.0))
    with (out / "groups.csv").open(newline="", encoding="utf-8-sig") as file:
        rows = list(csv.DictReader(file))
    assert {row["id"]: row["title"] for row in rows} == {
        f"'={n}": title if title[0] in "ap" else f"'{title}" for n, title in enumerate(bad)
    }
    assert sum(row["keeper"] == "yes" for row in rows) == 1
    assert set(pq.read_table(out / "groups.parquet")["id"].to_pylist()) == {f"={n}" for n in range(8)}


def test_a_catalog_without_duplicates_has_none(tmp_path: Path) -> None:
    made = [each for number, each in enumerate(some_listings(200)) if number % 10 != 9]
    report = run(opened(build(tmp_path, made)), tmp_path / "out", RunConfig())
    assert (report.groups["automatic"], report.weakest) == (0, ())
    assert report.expected < 10


def test_external_embeddings_are_grouped_too(tmp_path: Path) -> None:
    vectors = np.random.default_rng(0).standard_normal((200, 32)).astype(np.float32)
    vectors[7] = vectors[3]
    pq.write_table(pa.table({"id": np.arange(200), "embedding": list(vectors)}), tmp_path / "v.parquet")
    build_index_folder(tmp_path / "v.parquet", tmp_path / "index")
    engine = Engine.open(tmp_path / "index")
    run(engine, tmp_path / "out", RunConfig())
    assert list(groups_in(tmp_path / "out").values()) == [{"3", "7"}]
    with pytest.raises(UsageError, match="external embeddings: it cannot tell which listings changed"):
        run(engine, tmp_path / "out", RunConfig(new="1"))


def test_a_folder_of_an_older_version_is_refused_and_can_be_written_again(tmp_path: Path) -> None:
    engine, out = opened(build(tmp_path, some_listings(60))), tmp_path / "out"
    run(engine, out)
    before = groups_in(out)
    described = json.loads((out / "run.json").read_text())
    del described["format"]
    (out / "run.json").write_text(json.dumps(described))
    with pytest.raises(UsageError, match=r"another version of itemsearch .* `itemsearch duplicates` again"):
        run(engine, tmp_path / "new", replace(CONFIG, new=str(out)))
    with pytest.raises(ReviewError, match=r"another version of itemsearch .* `itemsearch duplicates` again"):
        ReviewSession.open(out)
    assert set(run(engine, out).changes.values()) == {0}
    assert groups_in(out) == before


def test_every_compared_pair_is_judged_as_the_run_then_writes_it(tmp_path: Path) -> None:
    engine, out = opened(build(tmp_path, some_listings(120))), tmp_path / "out"
    joined, learnt = judge_pairs(engine, out, CONFIG, lambda step, done, total: None)
    assert len(learnt.probability) == joined.pairs.num_rows
    report = run(engine, out)
    assert report.compared == joined.pairs.num_rows
    assert report.expected == pytest.approx(learnt.probability.sum())
    ids = engine.listings["id"].to_pylist()
    rows = (joined.pairs[name].to_pylist() for name in ("row_a", "row_b"))
    judged = {
        (ids[a], ids[b]): probability for a, b, probability in zip(*rows, learnt.probability, strict=True)
    }
    for pair in pairs_in(out):
        assert pair["probability"] == pytest.approx(judged[pair["id_a"], pair["id_b"]])
