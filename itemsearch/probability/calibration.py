"""The calibration of an index: what labels taught about the probabilities of pairs.

A calibration is stored with the version of the index that it was learnt from.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path

from itemsearch.decode import decode
from itemsearch.indexes.errors import BusyError, DamagedIndexError
from itemsearch.indexes.storage.publish import KEEP_VERSIONS, staging
from itemsearch.indexes.storage.versions import current_version, read_version
from itemsearch.probability.estimate import Estimate
from itemsearch.probability.model import Curve

CALIBRATION = "calibration.json"
"""In the folder of a calibrated version."""


@dataclass(frozen=True, slots=True)
class Calibration:
    """The curve that labels gave, from the evidence on a pair to its probability.

    automatic: the estimate of the duplicates that `min_precision` gives. other: the column in which compared
    listings had to differ, "" for none. labels: the labelled pairs that are compared. same_pairs: those of
    one product. unproposed: labelled pairs of one product that the join does not compare; no threshold finds
    them. model: the fingerprint of the model of the embeddings. made: the time, ISO 8601 in UTC.
    """

    curve: Curve
    min_precision: float
    automatic: Estimate
    other: str
    labels: int
    same_pairs: int
    unproposed: int
    model: str | None
    made: str


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
        return stage.publish(version.metadata, keep, follows_current=True).number
