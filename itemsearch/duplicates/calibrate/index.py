"""Calibrates an index: learns from labels how probable pairs are, and publishes a version that stores it."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import numpy as np

from itemsearch.decisions.of_index import labels_of_people
from itemsearch.duplicates.calibrate.labels import (
    DuplicateLabels,
    LabelReport,
    RowPairLabels,
    labelled_pairs,
    read_labels,
)
from itemsearch.duplicates.pairs.decide import REVIEW, Thresholds, TierEstimates, held_back
from itemsearch.duplicates.pairs.join import JoinConfig, Joined, join
from itemsearch.duplicates.pairs.learn import PairProbabilities, learn
from itemsearch.duplicates.pairs.variants import EVERY_RULE, VariantRules
from itemsearch.errors import GateError, UsageError
from itemsearch.indexes.arrays import Ints, Mask
from itemsearch.indexes.progress import Progress
from itemsearch.indexes.storage.publish import KEEP_VERSIONS
from itemsearch.probability.calibration import Calibration, publish_calibration
from itemsearch.probability.refine import refine
from itemsearch.search.engine import Engine
from itemsearch.search.filter import Filter
from itemsearch.search.folder import index_errors

LEAST_LABELS = 10
"""Fewer labelled pairs teach nothing."""


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
        UsageError: no labels, or too few.
        GateError: no threshold keeps the precision; nothing is published.
        IndexFolderError: no index, or a damaged one.
    """
    engine = Engine.open(index)
    labels, read = read_calibration_labels(engine, config)
    calibration = calibrate(engine, labels, config, progress)
    with index_errors(index):
        version = publish_calibration(index, calibration, engine.summary.version, config.keep)
    return CalibrateReport(calibration, read, version)


def calibrate(
    engine: Engine, labels: DuplicateLabels, config: CalibrateConfig, progress: Progress
) -> Calibration:
    """Learns the calibration that `calibrate_index` publishes.

    Raises:
        UsageError: too few labels.
        GateError: no threshold keeps the precision.
    """
    if not 0 < config.min_precision < 1:
        raise UsageError(
            f"--min-precision {config.min_precision:g}: give a share between 0 and 1, such as 0.95"
        )
    with tempfile.TemporaryDirectory() as folder:
        settings = JoinConfig(Filter(other=config.other), variant_rules=config.variant_rules)
        joined = join(engine, settings, Path(folder) / "join", progress)
        learnt = learn(joined, bool(config.other))
        places, same, drawn = _labelled(joined, learnt, labels)
    if len(places) < LEAST_LABELS:
        raise UsageError(
            f"{len(places)} labelled pairs are compared; calibrating takes {LEAST_LABELS} or more"
        )
    refined = learnt.with_curve(refine(learnt.fitted, places, same, drawn))
    thresholds = Thresholds.keeping(config.min_precision, refined.probability, held_back(joined.pairs))
    if thresholds.automatic > 1:
        raise GateError(
            f"{engine.folder}: by these labels no probability keeps a precision of {config.min_precision:g}; "
            "nothing is published: give a lower --min-precision"
        )
    model = engine.summary.model
    return Calibration(
        curve=refined.model.curve,
        min_precision=config.min_precision,
        automatic=TierEstimates.of(
            refined.probability, joined.pairs, thresholds, len(places), refined.fitted.too_high
        ).automatic,
        other=config.other,
        labels=len(places),
        same_pairs=int(same.sum()),
        unproposed=int(labels.same_pairs().sum()) - int(same.sum()),
        model=model.fingerprint if model else None,
        made=datetime.now(UTC).isoformat(timespec="seconds"),
    )


def _labelled(joined: Joined, learnt: PairProbabilities, labels: DuplicateLabels) -> tuple[Ints, Mask, Mask]:
    """(L,) places, among the pairs that the model was fitted to, of the labelled ones; (L,) their labels;
    (L,) whether they were drawn at random.

    A reviewed pair that would not have been offered for itself is left out: it came along in a group, or
    somebody searched for it, and either says something of it that its evidence does not.
    """
    a, b = (joined.pairs[name].to_numpy()[learnt.places] for name in ("row_a", "row_b"))
    known, same = labels.judge(a, b)
    places = np.flatnonzero(known)
    rows = zip(np.minimum(a, b)[places].tolist(), np.maximum(a, b)[places].tolist(), strict=True)
    reviewed = [labels.reviewed.get(pair) for pair in rows]
    offered = learnt.fitted.probability[places] >= REVIEW
    counts = offered | np.array([drawn is None for drawn in reviewed], bool)
    drawn = np.array([bool(drawn) for drawn in reviewed], bool)
    return places[counts], same[places][counts], drawn[counts]


def read_calibration_labels(
    engine: Engine, config: CalibrateConfig
) -> tuple[DuplicateLabels, LabelReport | None]:
    """Reads the labels of a file and of people; the report is of the file, None without one.

    Raises:
        CatalogError: the file cannot be read.
        UsageError: neither a file nor the decisions of people are asked for.
    """
    if not (config.labels or config.decisions):
        raise UsageError("no labels: give --labels FILE, --decisions or both")
    listings = engine.listings

    def row_of(id: str) -> int | None:
        return engine.find_row(id)

    groups, pairs, report = read_labels(config.labels, row_of) if config.labels else ({}, {}, None)
    reviewed: RowPairLabels = {}
    if config.decisions:
        decided, reviewed = labelled_pairs(labels_of_people(engine), row_of)
        pairs = {**pairs, **decided}
    return DuplicateLabels.of(groups, pairs, listings.num_rows, reviewed), report
