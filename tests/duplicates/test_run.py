from __future__ import annotations

import csv
import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from support.indexes_of_listings import build, jpeg, listing, opened, some_listings, straight

from itemsearch.decisions.log import Action, DecisionLog
from itemsearch.decisions.pair_labels import PairLabel
from itemsearch.duplicates.pairs.candidates import CandidateConfig
from itemsearch.duplicates.pairs.join import JoinConfig
from itemsearch.duplicates.run import RunConfig, find_duplicates
from itemsearch.duplicates.run_folder import RunReport
from itemsearch.duplicates.types import GROUPS_SCHEMA, PAIRS_SCHEMA
from itemsearch.errors import ReviewError, UsageError
from itemsearch.probability.thresholds import Threshold, Thresholds
from itemsearch.review.session import ReviewSession
from itemsearch.search.build import build_index_folder
from itemsearch.search.engine import Engine

CONFIG = RunConfig(
    JoinConfig(candidates=CandidateConfig(neighbours=1000)), Thresholds.of_score(0.95), calibrated=False
)


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
    assert [pair["score"] for pair in pairs] == sorted((pair["score"] for pair in pairs), reverse=True)
    assert all(pair["id_a"] < pair["id_b"] for pair in pairs)
    assert report.weakest[0].score == min(p["score"] for p in pairs if p["decision"] == "duplicate")
    described = json.loads((out / "run.json").read_text())
    assert (described["version"], described["report"]["rows"]) == (1, 120)
    assert described["index"] == str(engine.folder.resolve())
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
    config = replace(CONFIG, thresholds=Thresholds.of_score(0.5))
    run(engine, tmp_path / "out", config)
    told = {
        (pair["id_a"], pair["id_b"]): (pair["decision"], pair["reason"])
        for pair in pairs_in(tmp_path / "out")
    }
    assert told["oil-1", "oil-2"] == ("variant", "alike, but size: 500 ml / 1 l")
    assert told["shirt-1", "shirt-2"] == ("variant", "alike, but colour: red / blue")
    assert told["shirt-1", "shirt-3"][0] == "duplicate"
    assert list(groups_in(tmp_path / "out").values()) == [{"shirt-1", "shirt-3"}]


def test_what_a_person_rejected_stays_apart(tmp_path: Path) -> None:
    index, out = build(tmp_path, some_listings(60)), tmp_path / "out"
    engine = opened(index)
    columns = (engine.listings[name].to_pylist() for name in ("id", "content_hash"))
    hashes = dict(zip(*columns, strict=True))
    label = PairLabel("00008", "00009", False, hashes["00008"], hashes["00009"])
    DecisionLog.of_index(index).record(Action.REJECT, "g", [label], 0, ["00008", "00009"])
    run(engine, out)
    (pair,) = [pair for pair in pairs_in(out) if (pair["id_a"], pair["id_b"]) == ("00008", "00009")]
    assert pair["decision"] == "rejected"
    assert {"00008", "00009"} not in groups_in(out).values()


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
    assert new.changes == full.changes
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
    weights = straight(score=0.5, margin=1.0)
    config = replace(CONFIG, thresholds=Thresholds((Threshold("probability", 0.9, 0.4),), weights))
    made = some_listings(180)
    index = build(tmp_path, made[:150])
    engine = opened(build(tmp_path, made))
    assert index == engine.folder
    run(engine, tmp_path / "new", replace(config, new="1"))
    run(engine, tmp_path / "full", config)
    fresh = {f"{row:05d}" for row in range(150, 180)}
    full = [pair for pair in pairs_in(tmp_path / "full") if {pair["id_a"], pair["id_b"]} & fresh]
    assert pairs_in(tmp_path / "new") == full
    assert len(full) > 0


def test_new_goes_on_from_a_run_with_the_same_options_only(tmp_path: Path) -> None:
    engine, out = opened(build(tmp_path, some_listings(60))), tmp_path / "out"
    run(engine, out)
    other = replace(CONFIG, thresholds=Thresholds.of_score(0.5), new=str(out))
    with pytest.raises(UsageError, match="made with other options or another model"):
        run(engine, out, other)
    with pytest.raises(UsageError, match="neither the number of a version nor a folder"):
        run(engine, out, replace(CONFIG, new=str(tmp_path / "none")))


def test_formulas_are_defused_in_the_spreadsheet_alone(tmp_path: Path) -> None:
    vector = np.eye(16, dtype=np.float32)[0]
    bad = ["=1+1", "+SUM(A1)", "-2", "@cmd", "\ttab", "\rreturn", 'a "quoted", comma', "plain"]
    made = [listing(f"={n}", title, vector, jpeg(1)) for n, title in enumerate(bad)]
    out = tmp_path / "out"
    run(opened(build(tmp_path, made)), out, replace(CONFIG, thresholds=Thresholds.of_score(0.0)))
    with (out / "groups.csv").open(newline="", encoding="utf-8-sig") as file:
        rows = list(csv.DictReader(file))
    assert {row["id"]: row["title"] for row in rows} == {
        f"'={n}": title if title[0] in "ap" else f"'{title}" for n, title in enumerate(bad)
    }
    assert sum(row["keeper"] == "yes" for row in rows) == 1
    assert set(pq.read_table(out / "groups.parquet")["id"].to_pylist()) == {f"={n}" for n in range(8)}


def test_nothing_to_group(tmp_path: Path) -> None:
    engine = opened(build(tmp_path, some_listings(30)))
    report = run(engine, tmp_path / "out", replace(CONFIG, thresholds=Thresholds.of_score(1.0)))
    assert (report.listings, report.weakest) == (0, ())
    assert pa.parquet.read_table(tmp_path / "out" / "groups.parquet").num_rows == 0


def test_external_embeddings_are_grouped_too(tmp_path: Path) -> None:
    vectors = np.random.default_rng(0).standard_normal((30, 4)).astype(np.float32)
    vectors[7] = vectors[3]
    pq.write_table(pa.table({"id": np.arange(30), "embedding": list(vectors)}), tmp_path / "v.parquet")
    build_index_folder(tmp_path / "v.parquet", tmp_path / "index")
    engine, config = Engine.open(tmp_path / "index"), replace(CONFIG, thresholds=Thresholds.of_score(0.9999))
    run(engine, tmp_path / "out", config)
    assert list(groups_in(tmp_path / "out").values()) == [{"3", "7"}]
    with pytest.raises(UsageError, match="external embeddings: it cannot tell which listings changed"):
        run(engine, tmp_path / "out", replace(config, new="1"))


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
