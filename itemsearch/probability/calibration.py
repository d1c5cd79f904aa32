"""The calibration of an index: thresholds learnt from labels, and their measured precision and recall.

A calibration is stored with the version of the index that it was learnt from.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from itemsearch.decode import decode
from itemsearch.errors import UsageError
from itemsearch.indexes.errors import BusyError, DamagedIndexError
from itemsearch.indexes.storage.publish import KEEP_VERSIONS, staging
from itemsearch.indexes.storage.versions import current_version, read_version
from itemsearch.probability.thresholds import PROBABILITY, Thresholds

CALIBRATION = "calibration.json"
"""In the folder of a calibrated version."""


@dataclass(frozen=True, slots=True)
class Share:
    """A share with its bootstrap 95% interval over products."""

    value: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class CurvePoint:
    """Precision and recall of a probability as the threshold, on held-out products."""

    threshold: float
    precision: float
    recall: float


@dataclass(frozen=True, slots=True)
class TierReport:
    """The held-out pairs of one tier, or of the decision "different": how many there are, the share that is
    right, and the share of all pairs of one product that they hold."""

    tier: str
    pairs: int
    precision: float
    recall: float


@dataclass(frozen=True, slots=True)
class Calibration:
    """Thresholds, and their precision and recall on held-out products.

    threshold: the probability of the automatic tier, with its interval over resampled products. precision,
    recall: of the automatic tier. other: the column in which compared listings had to differ, "" for none.
    labels: the number of labelled listings and pairs. same_pairs, different_pairs: labelled pairs of one
    product and of two. unproposed: pairs of one product that the join does not compare, or of a score below
    `LEAST_RIVAL`; they count against recall. model: the fingerprint of the model of the embeddings. made: the
    time, ISO 8601 in UTC.
    """

    thresholds: Thresholds
    min_precision: float
    threshold: Share
    precision: Share
    recall: Share
    tiers: tuple[TierReport, ...]
    curve: tuple[CurvePoint, ...]
    other: str
    labels: int
    same_pairs: int
    different_pairs: int
    unproposed: int
    model: str | None
    made: str

    def reaching(self, min_precision: float | None) -> Thresholds:
        """Thresholds of another precision, by the curve; None for the precision of the calibration.

        Raises:
            UsageError: no threshold reaches the precision.
        """
        if min_precision is None or min_precision == self.min_precision:
            return self.thresholds
        reached = [point.threshold for point in self.curve if point.precision >= min_precision]
        if not reached:
            best = max((point.precision for point in self.curve), default=0.0)
            raise UsageError(
                f"no threshold reaches a precision of {min_precision:g}; labels promise {best:.3f} at most"
            )
        least = min(reached)
        thresholds = (
            replace(each, automatic=least, review=min(each.review, least))
            if each.evidence == PROBABILITY
            else each
            for each in self.thresholds.by_evidence
        )
        return replace(self.thresholds, by_evidence=tuple(thresholds))


def read_calibration(version: Path) -> Calibration | None:
    """Reads the calibration in a version's folder; None where there is none.

    Raises:
        DamagedIndexError: the file is damaged.
    """
    path = version / CALIBRATION
    try:
        return decode(Calibration, json.loads(path.read_text("utf-8")))
    except FileNotFoundError:
        return None
    except ValueError as error:
        raise DamagedIndexError(f"{path}: damaged ({error}); build the index again") from error


def write_calibration(version: Path, calibration: Calibration) -> None:
    """Writes the calibration into a version's folder."""
    (version / CALIBRATION).write_text(json.dumps(asdict(calibration), indent=1), "utf-8")


def carry_over(index: Path, staged: Path, model: str | None) -> bool:
    """Copies the calibration of an index's current version into a staged version of the same model.

    Scores depend on the model; the listings of another night change them little. Returns whether there was a
    calibration; a folder without an undamaged version has none.
    """
    try:
        calibration = read_version(index, lambda version: read_calibration(version.folder))
    except DamagedIndexError:
        return False
    if calibration is None or calibration.model != model or model is None:
        return False
    write_calibration(staged, calibration)
    return True


def publish_calibration(
    folder: Path, calibration: Calibration, number: int, keep: int = KEEP_VERSIONS
) -> int:
    """Publishes a copy of version `number` with another calibration, and returns the new version's number.

    Raises:
        VectorIndexError: no index, a damaged one, or another version is current by now.
    """
    with staging(folder) as stage:
        version = current_version(folder)
        if version.number != number:
            raise BusyError(f"{folder}: version {version.number} was published meanwhile; calibrate again")
        stage.link(version, leaving=[CALIBRATION])
        write_calibration(stage.folder, calibration)
        return stage.publish(version.metadata, keep).number
