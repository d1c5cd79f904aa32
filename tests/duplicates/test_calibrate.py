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
from itemsearch.duplicates.calibrate.fit import LEAST_FOUND, fit, fit_weights
from itemsearch.duplicates.calibrate.index import CalibrateConfig, calibrate_index
from itemsearch.duplicates.calibrate.labels import DuplicateLabels, read_labels
from itemsearch.duplicates.calibrate.sample import Sample, split
from itemsearch.duplicates.pairs.decide import probabilities
from itemsearch.errors import (
    CatalogError,
    EmptyCatalogError,
    IndexFolderError,
    MissingColumnError,
    UsageError,
)
from itemsearch.indexes.storage.versions import current_version, verify_version
from itemsearch.probability.calibration import publish_calibration, read_calibration
from itemsearch.probability.thresholds import FEATURES
from itemsearch.search.build import build_index_folder
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


def test_the_promised_precision_is_kept_on_products_apart(known: tuple[Path, Path]) -> None:
    index, labels = known
    before = current_version(index)
    report = calibrate_index(index, CalibrateConfig(str(labels), min_precision=0.9), no_progress)
    learnt = report.calibration
    assert learnt.precision.value >= 0.88
    assert learnt.recall.value > 0.5
    assert learnt.threshold.low <= learnt.threshold.value
    assert [tier.tier for tier in learnt.tiers] == ["automatic", "review", "different"]
    assert report.labels
    assert report.labels.rows == report.labels.used + len(report.labels.refused)
    after = current_version(index)
    assert report.version == after.number == before.number + 1
    assert (after.folder / "vectors.npy").samefile(before.folder / "vectors.npy")
    verify_version(after)
    assert read_summary(index).calibration == read_calibration(after.folder) == learnt


def test_no_product_is_on_both_sides() -> None:
    ids = pa.table({"id": [f"p{row}" for row in range(60)]})
    labels = DuplicateLabels.of({row: str(row // 3) for row in range(60)}, {}, 60)
    a, b = np.triu_indices(60, 1)
    schema = {
        "score": 0.5,
        "joint": 0.5,
        "title_similarity": 0.5,
        "image_similarity": 0.5,
        "image_hash_distance": 1,
        "conflicts": [],
    }
    pairs = pa.table({"row_a": a, "row_b": b, **{name: [value] * len(a) for name, value in schema.items()}})
    one, other = split(pairs, labels, ids)
    assert one.same.sum() + other.same.sum() == 20 * 3
    assert not set(one.products.ravel()) & set(other.products.ravel())
    assert one.true.sum() + other.true.sum() == 20 * 3


def test_a_precision_that_is_not_reached_publishes_nothing(known: tuple[Path, Path], tmp_path: Path) -> None:
    index, labels = known
    version = current_version(index).number
    siblings_as_one = "".join(f"p{row:04d},{row // 2}\n" for row in range(300))
    (tmp_path / "wrong.csv").write_text("id,group\n" + siblings_as_one)
    with pytest.raises(UsageError, match=r"no threshold keeps precision 0\.95 .* the best of any is 0\."):
        calibrate_index(index, CalibrateConfig(str(tmp_path / "wrong.csv")), no_progress)
    with pytest.raises(UsageError, match="give a share between 0 and 1"):
        calibrate_index(index, CalibrateConfig(str(labels), min_precision=95), no_progress)
    (tmp_path / "few.csv").write_text("id_a,id_b,same\np0001,p0002,no\n")
    with pytest.raises(UsageError, match="too few labels"):
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


def test_what_a_listing_lacks_speaks_neither_for_nor_against() -> None:
    rng = np.random.default_rng(0)
    found = rng.normal(size=(400, len(FEATURES)))
    same = found[:, 0] - found[:, 4] + rng.normal(size=400) > 0
    found[rng.random(400) < 0.3, 4] = np.nan
    lacking = Sample(found, same, np.zeros(400, bool), np.zeros((400, 2), np.int64), np.array([same.sum()]))
    weights = fit_weights(lacking)
    assert weights.coefficients["image_similarity"] < 0 < weights.coefficients["score"]
    stood_in = np.where(np.isnan(found), np.nanmean(found, axis=0), found)
    assert probabilities(found, weights) == pytest.approx(probabilities(stood_in, weights))


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
    assert "on held-out products" in done.stdout
    told = json.loads(CliRunner().invoke(app, [*arguments, "--json"], catch_exceptions=False).stdout)
    assert told["calibration"]["min_precision"] == 0.9
    info = CliRunner().invoke(app, ["index", "info", str(index)], catch_exceptions=False).stdout
    assert "of pairs without a person" in info


def half(seed: int) -> Sample:
    """Pairs of one product, too few of which stand clear of 200 others for a threshold of their own."""
    rng = np.random.default_rng(seed)
    same = np.arange(200 + 2 * LEAST_FOUND) < 2 * LEAST_FOUND
    clear = np.arange(len(same)) < LEAST_FOUND
    found = rng.normal(np.where(clear, 6.0, 0.0)[:, None], 1.0, (len(same), len(FEATURES)))
    listings = 2 * np.arange(len(same))
    pairs = np.stack([listings, np.where(same, listings, listings + 1)], axis=1)
    true = np.bincount(listings[same], minlength=2 * len(same))
    return Sample(found, same, np.zeros(len(same), bool), pairs, true)


def test_a_threshold_that_nothing_kept_apart_reaches_is_refused() -> None:
    with pytest.raises(UsageError, match=r"no threshold keeps precision 0\.9"):
        fit(half(0), half(1), 0.9)
