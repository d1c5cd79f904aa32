"""From labels to an index that knows what they teach of its duplicates."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from itemsearch.decisions.log import labels as decided_labels
from itemsearch.duplicates.calibrate.fit import fit
from itemsearch.duplicates.calibrate.labels import UNKNOWN, LabelReport, Labels, read_labels, said_in
from itemsearch.duplicates.calibrate.sample import split
from itemsearch.duplicates.pairs.decide import LEAST_RIVAL
from itemsearch.duplicates.pairs.join import JoinConfig, Progress, join
from itemsearch.duplicates.pairs.variants import VariantRules
from itemsearch.errors import UsageError
from itemsearch.indexes.storage.publish import KEEP_VERSIONS
from itemsearch.probability.calibration import Calibration, publish_calibration
from itemsearch.search.engine import Engine
from itemsearch.search.filter import Filter
from itemsearch.search.folder import index_errors

EVERY_RULE = VariantRules()


@dataclass(frozen=True, slots=True)
class CalibrateConfig:
    """labels: a file; "" for none. decisions: whether what people decided in the review application counts.
    other: the column in which compared listings differ, as `duplicates` will be asked.
    """

    labels: str = ""
    decisions: bool = False
    min_precision: float = 0.95
    other: str = ""
    guard: VariantRules = EVERY_RULE
    keep: int = KEEP_VERSIONS


@dataclass(frozen=True, slots=True)
class CalibrateReport:
    """labels: of the file, None where there was none. version: the one that was published."""

    calibration: Calibration
    labels: LabelReport | None
    version: int


def calibrate_index(index: Path, config: CalibrateConfig, progress: Progress) -> CalibrateReport:
    """Learns from labels, and publishes a version of the index that knows it and shares the rest.

    Raises:
        CatalogError: the labels cannot be read.
        UsageError: no labels, too few, or a precision that no threshold keeps.
        IndexFolderError: no index, or a damaged one.
    """
    engine = Engine.open(index)
    labels, read = _labels(engine, config)
    calibration = learn(engine, labels, config, progress)
    with index_errors(index):
        version = publish_calibration(index, calibration, engine.summary.version, config.keep)
    return CalibrateReport(calibration, read, version)


def learn(engine: Engine, labels: Labels, config: CalibrateConfig, progress: Progress) -> Calibration:
    """What `calibrate_index` publishes.

    Raises:
        UsageError: too few labels, or a precision that no threshold keeps.
    """
    if not 0 < config.min_precision < 1:
        raise UsageError(
            f"--min-precision {config.min_precision:g}: give a share between 0 and 1, such as 0.95"
        )
    with tempfile.TemporaryDirectory() as folder:
        joined = join(
            engine,
            JoinConfig(Filter(other=config.other), guard=config.guard),
            lambda measured: measured["score"].to_numpy() >= LEAST_RIVAL,
            Path(folder) / "join",
            progress,
            labels.product != UNKNOWN,
        )
    parts = split(joined.pairs, labels, engine.listings)
    fitted = fit(*parts, config.min_precision)
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
        labels=int((labels.group != UNKNOWN).sum()) + len(labels.said),
        same_pairs=same,
        different_pairs=sum(int((~part.same).sum()) for part in parts),
        unproposed=same - sum(int(part.same.sum()) for part in parts),
        model=model.fingerprint if model else None,
        made=datetime.now(UTC).isoformat(timespec="seconds"),
    )


def _labels(engine: Engine, config: CalibrateConfig) -> tuple[Labels, LabelReport | None]:
    if not (config.labels or config.decisions):
        raise UsageError("no labels: give --labels FILE, --decisions or both")
    listings = engine.listings

    def row_of(id: str) -> int | None:
        return engine.find_row(id)

    groups, said, report = read_labels(config.labels, row_of) if config.labels else ({}, {}, None)
    if config.decisions:
        said = {**said, **said_in(decided_labels(engine), row_of)}
    return Labels.of(groups, said, listings.num_rows), report
