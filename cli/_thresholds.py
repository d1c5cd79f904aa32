"""What a pair needs to count as a duplicate, as `duplicates` and `explain` are told."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

import typer

from itemsearch.errors import UsageError

if TYPE_CHECKING:
    from itemsearch.probability.thresholds import Thresholds
    from itemsearch.search.engine import Engine

MinPrecision = Annotated[
    float | None,
    typer.Option(
        min=0.5, max=1.0, help="Least share of right pairs among those accepted, by what calibrate learnt."
    ),
]
MinScore = Annotated[
    float | None, typer.Option(min=-1.0, max=1.0, help="Least score of a pair, instead of what was learnt.")
]
NOT_PROBABILITIES = "scores are not probabilities: itemsearch calibrate learns from labels how many are right"


@dataclass(frozen=True, slots=True)
class Bars:
    """calibrated: whether they were learnt from labels of this index."""

    thresholds: Thresholds
    calibrated: bool


def chosen_thresholds(engine: Engine, min_precision: float | None, min_score: float | None) -> Bars:
    """Those of a score where one is given, else those that were learnt, else cautious ones.

    Raises:
        UsageError: both options, or a precision that nothing was learnt about.
        IndexFolderError: the calibration is damaged.
    """
    from itemsearch.indexes.storage.versions import read_version
    from itemsearch.probability.calibration import read_calibration
    from itemsearch.probability.thresholds import UNCALIBRATED, Thresholds
    from itemsearch.search.folder import index_errors

    if min_score is not None:
        if min_precision is not None:
            raise UsageError("give either --min-precision or --min-score")
        return Bars(Thresholds.of_score(min_score), calibrated=False)
    folder = engine.folder
    with index_errors(folder):
        calibration = read_version(
            folder, lambda version: read_calibration(version.folder), engine.summary.version
        )
    if calibration is None and min_precision is not None:
        raise UsageError(
            f"{folder} is not calibrated, so that no precision can be promised: run itemsearch calibrate, or "
            "leave out --min-precision"
        )
    if calibration is None:
        return Bars(UNCALIBRATED, calibrated=False)
    return Bars(calibration.reaching(min_precision), calibrated=True)
