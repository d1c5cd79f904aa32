"""Calibrates an index: learns thresholds from labels and publishes a version that stores them."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from itemsearch.decisions.of_index import labels_of_people
from itemsearch.duplicates.calibrate.fit import fit
from itemsearch.duplicates.calibrate.labels import (
    UNKNOWN,
    DuplicateLabels,
    LabelReport,
    labelled_pairs,
    read_labels,
)
from itemsearch.duplicates.calibrate.sample import split
from itemsearch.duplicates.pairs.decide import LEAST_RIVAL
from itemsearch.duplicates.pairs.join import JoinConfig, Progress, join
from itemsearch.duplicates.pairs.variants import EVERY_RULE, VariantRules
from itemsearch.errors import UsageError
from itemsearch.indexes.storage.publish import KEEP_VERSIONS
from itemsearch.probability.calibration import Calibration, publish_calibration
from itemsearch.search.engine import Engine
from itemsearch.search.filter import Filter
from itemsearch.search.folder import index_errors


@dataclass(frozen=True, slots=True)
class CalibrateConfig:
    """How an index is calibrated.

    labels: a path; "" for none. decisions: whether the decisions of people in `itemsearch review` count as
    labels. other: the column in which compared listings have to differ, as in later runs of `duplicates`.
    keep: how many versions of the index to keep.
    """

    labels: str = ""
    decisions: bool = False
    min_precision: float = 0.95
    other: str = ""
    variant_rules: VariantRules = EVERY_RULE
    keep: int = KEEP_VERSIONS


@dataclass(frozen=True, slots=True)
class CalibrateReport:
    """labels: the count of the file's rows, None without a file. version: the number of the new version."""

    calibration: Calibration
    labels: LabelReport | None
    version: int


def calibrate_index(index: Path, config: CalibrateConfig, progress: Progress) -> CalibrateReport:
    """Learns a calibration from labels, and publishes a version of the index with it.

    Raises:
        CatalogError: the labels cannot be read.
        UsageError: no labels, too few, or a precision that no threshold reaches.
        IndexFolderError: no index, or a damaged one.
    """
    engine = Engine.open(index)
    labels, read = _labels(engine, config)
    calibration = learn(engine, labels, config, progress)
    with index_errors(index):
        version = publish_calibration(index, calibration, engine.summary.version, config.keep)
    return CalibrateReport(calibration, read, version)


def learn(
    engine: Engine, labels: DuplicateLabels, config: CalibrateConfig, progress: Progress
) -> Calibration:
    """Learns the calibration that `calibrate_index` publishes.

    Raises:
        UsageError: too few labels, or a precision that no threshold reaches.
    """
    if not 0 < config.min_precision < 1:
        raise UsageError(
            f"--min-precision {config.min_precision:g}: give a share between 0 and 1, such as 0.95"
        )
    with tempfile.TemporaryDirectory() as folder:
        joined = join(
            engine,
            JoinConfig(Filter(other=config.other), variant_rules=config.variant_rules),
            lambda measured: measured["score"].to_numpy() >= LEAST_RIVAL,
            Path(folder) / "join",
            progress,
            labels.product != UNKNOWN,
        )
    samples = split(joined.pairs, labels, engine.listings)
    fitted = fit(*samples, config.min_precision)
    same = int(labels.same_pairs().sum())
    model = engine.summary.model
    return Calibration(
        thresholds=fitted.thresholds,
        min_precision=config.min_precision,
        threshold=fitted.threshold,
        precision=fitted.precision,
        recall=fitted.recall,
        tiers=fitted.tiers,
        curve=fitted.curve,
        other=config.other,
        labels=int((labels.group != UNKNOWN).sum()) + len(labels.pairs),
        same_pairs=same,
        different_pairs=sum(int((~sample.same).sum()) for sample in samples),
        unproposed=same - sum(int(sample.same.sum()) for sample in samples),
        model=model.fingerprint if model else None,
        made=datetime.now(UTC).isoformat(timespec="seconds"),
    )


def _labels(engine: Engine, config: CalibrateConfig) -> tuple[DuplicateLabels, LabelReport | None]:
    if not (config.labels or config.decisions):
        raise UsageError("no labels: give --labels FILE, --decisions or both")
    listings = engine.listings

    def row_of(id: str) -> int | None:
        return engine.find_row(id)

    groups, pairs, report = read_labels(config.labels, row_of) if config.labels else ({}, {}, None)
    if config.decisions:
        pairs = {**pairs, **labelled_pairs(labels_of_people(engine), row_of)}
    return DuplicateLabels.of(groups, pairs, listings.num_rows), report
