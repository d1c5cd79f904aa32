from __future__ import annotations

import csv
import json
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from typer.testing import CliRunner

from itemsearch.cli.app import app
from itemsearch.decisions.events import Action
from itemsearch.decisions.log import DecisionLog
from itemsearch.decisions.pair_labels import all_same
from itemsearch.duplicates.calibrate.index import (
    CalibrateConfig,
    calibrate,
    calibrate_index,
    read_calibration_labels,
)
from itemsearch.duplicates.calibrate.labels import DuplicateLabels, read_labels
from itemsearch.duplicates.run import RunConfig, find_duplicates, judge_pairs
from itemsearch.errors import (
    CatalogError,
    EmptyCatalogError,
    GateError,
    IndexFolderError,
    MissingColumnError,
    UsageError,
)
from itemsearch.indexes.storage.versions import current_version, verify_version
from itemsearch.probability.calibration import publish_calibration, read_calibration
from itemsearch.probability.model import Curve
from itemsearch.search.build import build_index_folder
from itemsearch.search.engine import Engine
from itemsearch.search.folder import index_errors, read_summary

ROWS = {"a": 0, "b": 1, "c": 2, "d": 3}


def no_progress(step: str, done: int, total: int) -> None:
    pass


def siblings(folder: Path, listings: int = 300, seed: int = 0) -> tuple[Path, Path]:
    """An index of products in families of five that are alike, a third of them listed twice; and labels."""
    rng = np.random.default_rng(seed)
    families = rng.normal(size=(listings // 5, 32)).repeat(5, axis=0)
    own = families + 0.5 * rng.normal(size=(listings, 32))
    twice = np.flatnonzero(rng.random(listings) < 1 / 3)
    product = np.concatenate([np.arange(listings), twice])
    vectors = (
        own[product]
        + 0.12 * rng.normal(size=(len(product), 32)) * (np.arange(len(product)) >= listings)[:, None]
    )
    ids = [f"p{row:04d}" for row in range(len(product))]
    folder.mkdir(parents=True)
    pq.write_table(
        pa.table({"id": ids, "embedding": list(vectors.astype(np.float32))}), folder / "vectors.parquet"
    )
    build_index_folder(folder / "vectors.parquet", folder / "index")
    with (folder / "labels.csv").open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["id", "group"])
        writer.writerows(zip(ids, product.tolist(), strict=True))
    return folder / "index", folder / "labels.csv"


@pytest.fixture(scope="module")
def known(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    return siblings(tmp_path_factory.mktemp("known") / "catalog")


def test_labels_refine_the_curve_and_a_version_keeps_it(known: tuple[Path, Path]) -> None:
    index, labels = known
    before = current_version(index)
    report = calibrate_index(index, CalibrateConfig(str(labels), min_precision=0.9), no_progress)
    learnt = report.calibration
    assert learnt.curve.labels == learnt.labels > 100
    assert 0 < learnt.same_pairs < learnt.labels
    assert learnt.automatic.precision.value >= 0.9
    assert report.labels
    assert report.labels.rows == report.labels.used + len(report.labels.refused)
    after = current_version(index)
    assert report.version == after.number == before.number + 1
    assert (after.folder / "vectors.npy").samefile(before.folder / "vectors.npy")
    verify_version(after)
    assert read_summary(index).calibration == read_calibration(after.folder) == learnt


def true_and_estimated(index: Path, labels: Path, out: Path, curve: Curve | None) -> tuple[float, float, int]:
    """The true and the estimated precision of the automatic tier, and the number of pairs to review."""
    with labels.open() as file:
        product = {row["id"]: row["group"] for row in csv.DictReader(file)}
    report = find_duplicates(Engine.open(index), out, RunConfig(min_precision=0.7, curve=curve), no_progress)
    pairs = pq.read_table(out / "pairs.parquet").to_pylist()
    right = [product[p["id_a"]] == product[p["id_b"]] for p in pairs if p["decision"] == "duplicate"]
    return float(np.mean(right)), report.estimates.automatic.precision.value, report.pairs["review"]


def test_labels_of_a_part_neither_flood_the_reviewer_nor_break_the_promise(
    known: tuple[Path, Path], tmp_path: Path
) -> None:
    """Labels of a tenth of the catalog once sent most of its pairs to review."""
    index, labels = known
    rows = labels.read_text().splitlines()
    part = tmp_path / "part.csv"
    part.write_text("\n".join([rows[0], *(row for row in rows[1:] if int(row.split(",")[1]) < 40)]) + "\n")
    engine = Engine.open(index)
    config = CalibrateConfig(str(part), min_precision=0.7)
    curve = calibrate(engine, read_calibration_labels(engine, config)[0], config, no_progress).curve
    plain = true_and_estimated(index, labels, tmp_path / "plain", None)
    refined = true_and_estimated(index, labels, tmp_path / "refined", curve)
    for true, estimated, to_review in (plain, refined):
        assert true >= estimated - 0.1
        assert to_review < 300


def test_positives_alone_are_labels_too(known: tuple[Path, Path], tmp_path: Path) -> None:
    index, labels = known
    with labels.open() as file:
        groups: dict[str, list[str]] = {}
        for row in csv.DictReader(file):
            groups.setdefault(row["group"], []).append(row["id"])
    twice = [ids for ids in groups.values() if len(ids) == 2][:40]
    path = tmp_path / "same.csv"
    path.write_text("id_a,id_b,same\n" + "".join(f"{a},{b},true\n" for a, b in twice))
    engine, config = Engine.open(index), CalibrateConfig(str(path), min_precision=0.9)
    learnt = calibrate(engine, read_calibration_labels(engine, config)[0], config, no_progress)
    assert learnt.labels == learnt.same_pairs > 10


def test_pairs_that_came_along_in_a_decided_group_teach_nothing(tmp_path: Path) -> None:
    """They were not offered for themselves: what they are depends on the other pairs of the group."""
    index, _ = siblings(tmp_path / "catalog")
    engine, config = Engine.open(index), CalibrateConfig(decisions=True, min_precision=0.5)
    joined, learnt = judge_pairs(engine, tmp_path / "out", RunConfig(), no_progress)
    ids = engine.listings["id"].to_pylist()
    pairs = [
        [ids[row] for row in rows]
        for rows in zip(joined.pairs["row_a"].to_pylist(), joined.pairs["row_b"].to_pylist(), strict=True)
    ]
    by_probability = np.argsort(-learnt.probability)
    log = DecisionLog.of_index(index)
    for place in [*by_probability[:12], *by_probability[-5:]]:
        log.record(Action.CONFIRM, "g", all_same(pairs[place], dict.fromkeys(ids, "")), 10**6, pairs[place])
    labels = read_calibration_labels(engine, config)[0]
    assert len(labels.pairs) == 17
    assert calibrate(engine, labels, config, no_progress).labels == 12


def test_a_precision_that_is_not_reached_publishes_nothing(known: tuple[Path, Path], tmp_path: Path) -> None:
    index, labels = known
    version = current_version(index).number
    all_apart = "".join(f"p{row:04d},{row}\n" for row in range(400))
    (tmp_path / "wrong.csv").write_text("id,group\n" + all_apart)
    with pytest.raises(GateError, match=r"no probability keeps a precision of 0\.999; nothing is published"):
        calibrate_index(index, CalibrateConfig(str(tmp_path / "wrong.csv"), min_precision=0.999), no_progress)
    with pytest.raises(UsageError, match="give a share between 0 and 1"):
        calibrate_index(index, CalibrateConfig(str(labels), min_precision=95), no_progress)
    (tmp_path / "few.csv").write_text("id_a,id_b,same\np0001,p0002,no\n")
    with pytest.raises(UsageError, match="labelled pairs are compared; calibrating takes 10 or more"):
        calibrate_index(index, CalibrateConfig(str(tmp_path / "few.csv")), no_progress)
    with pytest.raises(UsageError, match="no labels"):
        calibrate_index(index, CalibrateConfig(), no_progress)
    assert current_version(index).number == version


def test_a_build_by_the_same_model_keeps_what_was_learnt(
    known: tuple[Path, Path], store: Path, tmp_path: Path
) -> None:
    index, labels = known
    learnt = calibrate_index(index, CalibrateConfig(str(labels), min_precision=0.9), no_progress).calibration
    build_index_folder(index.parent / "vectors.parquet", index)
    assert read_summary(index).calibration is None  # the model of external embeddings is not known
    folder = tmp_path / "index"
    first = build_index_folder(store, folder)
    assert first.model
    own = type(learnt)(
        **{**{f: getattr(learnt, f) for f in learnt.__slots__}, "model": first.model.fingerprint}
    )
    assert publish_calibration(folder, own, first.version) == 2
    assert build_index_folder(store, folder).calibration == own
    with pytest.raises(IndexFolderError, match="version 3 was published meanwhile"), index_errors(folder):
        publish_calibration(folder, own, 1)


def test_labels_of_either_kind_are_read_and_bad_rows_named(tmp_path: Path) -> None:
    pairs = tmp_path / "pairs.jsonl"
    rows = [
        {"id_a": "a", "id_b": "b", "same": True},
        {"id_a": "b", "id_b": "a", "same": "yes"},
        {"id_a": "a", "id_b": "c", "same": 0},
        {"id_a": "a", "id_b": "b", "same": False},
        {"id_a": "a", "id_b": "x", "same": True},
        {"id_a": "a", "id_b": "a", "same": True},
        {"id_a": "a", "id_b": "d", "same": "perhaps"},
        {"id_a": "", "id_b": "d", "same": True},
    ]
    pairs.write_text("\n".join(map(json.dumps, rows)) + "\n{oops\n")
    groups, said, report = read_labels(str(pairs), ROWS.get)
    assert (groups, said) == ({}, {(0, 1): True, (0, 2): False})
    assert (report.rows, report.used, len(report.refused)) == (9, 3, 6)
    messages = [refused.message for refused in report.refused]
    assert [refused.row for refused in report.refused] == [4, 5, 6, 7, 8, 9]
    for message, part in zip(
        messages,
        [
            "an earlier row says True",
            "the id_b 'x' is not in the index",
            "one listing",
            "'perhaps'",
            "no id_a",
            "",
        ],
        strict=True,
    ):
        assert part in message
    assert messages[1].startswith("pairs.jsonl line 5")
    groups_csv = tmp_path / "groups.csv"
    groups_csv.write_text("id,group\na,1\nb,1\nc,2\nc,3\nx,4\nd,\n")
    groups, said, report = read_labels(str(groups_csv), ROWS.get)
    assert (groups, said) == ({0: "1", 1: "1", 2: "2"}, {})
    assert (report.rows, report.used, len(report.refused)) == (6, 3, 3)
    pq.write_table(pa.table({"id_a": ["a"], "id_b": ["b"], "same": [True]}), tmp_path / "pairs.parquet")
    assert read_labels(str(tmp_path / "pairs.parquet"), ROWS.get)[1] == {(0, 1): True}


def test_labels_that_are_none_are_told(tmp_path: Path) -> None:
    path = tmp_path / "labels.csv"
    for text, error, message in (
        ("id,product\na,1\n", MissingColumnError, "no column 'group'"),
        ("id_a,id_b\na,b\n", MissingColumnError, "no column 'same'"),
        ("id,group\nx,1\n", EmptyCatalogError, "no label that can be used among 1 rows; the first: "),
    ):
        path.write_text(text)
        with pytest.raises(error, match=message):
            read_labels(str(path), ROWS.get)
    with pytest.raises(CatalogError):
        read_labels(str(tmp_path / "none.csv"), ROWS.get)


def test_decisions_go_before_groups() -> None:
    labels = DuplicateLabels.of({0: "x", 1: "x", 2: "y"}, {(0, 1): False, (2, 3): True}, 5)
    known, same = labels.judge(np.array([0, 0, 2, 3, 1]), np.array([1, 2, 3, 4, 3]))
    assert known.tolist() == [True, True, True, False, False]
    assert same.tolist() == [False, False, True, False, False]
    assert labels.same_pairs().sum() == 1


def test_the_command_says_what_it_learnt(known: tuple[Path, Path]) -> None:
    index, labels = known
    arguments = ["calibrate", str(index), "--labels", str(labels), "--min-precision", "0.9"]
    done = CliRunner().invoke(app, arguments, catch_exceptions=False)
    assert done.exit_code == 0
    assert "an estimated" in done.stdout
    told = json.loads(CliRunner().invoke(app, [*arguments, "--json"], catch_exceptions=False).stdout)
    assert told["calibration"]["min_precision"] == 0.9
    info = CliRunner().invoke(app, ["index", "info", str(index)], catch_exceptions=False).stdout
    assert "labelled pairs; for a precision of 0.9" in info
