"""What labels taught about an index's duplicates; stored with the version that it was learnt from."""

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
"""In a version's folder, where it was calibrated."""


@dataclass(frozen=True, slots=True)
class Share:
    """A share with its bootstrap 95% interval over products."""

    value: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Point:
    """What a probability as the threshold would give on the part that is reported on."""

    threshold: float
    precision: float
    recall: float


@dataclass(frozen=True, slots=True)
class TierReport:
    """On the part that is reported on: how many of its pairs are in the tier, and which share is right."""

    tier: str
    pairs: int
    precision: float
    recall: float


@dataclass(frozen=True, slots=True)
class Calibration:
    """Thresholds, and how such do on products that they were not fitted to.

    threshold: of the automatic tier, with the interval over resampled products. other: the column in which
    compared listings had to differ, "" for none. labels: listings and pairs that were labelled.
    same_pairs, different_pairs: what that makes of pairs, in both parts together. unproposed: pairs of one
    product that the join does not compare, or of a score below `LEAST_RIVAL`; counted against recall.
    model: the fingerprint of what made the embeddings.
    """

    thresholds: Thresholds
    min_precision: float
    threshold: Share
    precision: Share
    recall: Share
    tiers: tuple[TierReport, ...]
    curve: tuple[Point, ...]
    other: str
    labels: int
    same_pairs: int
    different_pairs: int
    unproposed: int
    model: str | None
    made: str

    def reaching(self, min_precision: float | None) -> Thresholds:
        """Those that reach another precision by the curve; None for the one that was asked for.

        Raises:
            UsageError: no threshold does.
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
        bars = (
            replace(bar, automatic=least, review=min(bar.review, least))
            if bar.evidence == PROBABILITY
            else bar
            for bar in self.thresholds.bars
        )
        return replace(self.thresholds, bars=tuple(bars))


def read_calibration(version: Path) -> Calibration | None:
    """Of a version's folder; None where it was not calibrated.

    Raises:
        DamagedIndexError: it is damaged.
    """
    path = version / CALIBRATION
    try:
        return decode(Calibration, json.loads(path.read_text("utf-8")))
    except FileNotFoundError:
        return None
    except ValueError as error:
        raise DamagedIndexError(f"{path}: damaged ({error}); build the index again") from error


def write_calibration(version: Path, calibration: Calibration) -> None:
    (version / CALIBRATION).write_text(json.dumps(asdict(calibration), indent=1), "utf-8")


def carry_over(index: Path, staged: Path, model: str | None) -> bool:
    """Takes the calibration of an index's current version into a staged one that the same model made.

    What alike means is the model's; another night's products change it little. Returns whether there was one.
    A folder without a sound version has none.
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
    """Makes a version current that is version `number` but for its calibration; returns the new number.

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
