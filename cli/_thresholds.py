"""The options that set thresholds, shared by `duplicates` and `explain`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from itemsearch.errors import UsageError

if TYPE_CHECKING:
    from itemsearch.probability.thresholds import Thresholds
    from itemsearch.search.engine import Engine

MinPrecision = Annotated[
    float | None,
    typer.Option(
        min=0.5, max=1.0, help="Least share of right pairs among the duplicates, by the calibration."
    ),
]
MinScore = Annotated[
    float | None,
    typer.Option(min=-1.0, max=1.0, help="Least score of a duplicate, instead of the calibration."),
]
NOT_PROBABILITIES = "scores are not probabilities: itemsearch calibrate learns these from labels"


def chosen_thresholds(
    engine: Engine, min_precision: float | None, min_score: float | None
) -> tuple[Thresholds, bool]:
    """The thresholds of a score where one is given, else of the calibration, else cautious ones.

    Returns:
        The thresholds, and whether they come from the calibration.

    Raises:
        UsageError: both options, or a precision that the calibration does not reach.
        IndexFolderError: the calibration is damaged.
    """
    from itemsearch.indexes.storage.versions import read_version
    from itemsearch.probability.calibration import read_calibration
    from itemsearch.probability.thresholds import UNCALIBRATED, Thresholds
    from itemsearch.search.folder import index_errors

    if min_score is not None:
        if min_precision is not None:
            raise UsageError("give either --min-precision or --min-score")
        return Thresholds.of_score(min_score), False
    folder = engine.folder
    with index_errors(folder):
        calibration = read_version(
            folder, lambda version: read_calibration(version.folder), engine.summary.version
        )
    if calibration is None and min_precision is not None:
        raise UsageError(
            f"{folder} is not calibrated, so its precision is unknown: run itemsearch calibrate, or "
            "leave out --min-precision"
        )
    if calibration is None:
        return UNCALIBRATED, False
    return calibration.reaching(min_precision), True
