"""Builds the files of an index, and where a target is given, one that reaches it within its budget."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from time import perf_counter

from itemsearch.indexes.arrays import Rows
from itemsearch.indexes.building.choose import candidate_specs
from itemsearch.indexes.building.train import build_index, check_vectors
from itemsearch.indexes.building.tune import best_of, measure, target_missed, tune
from itemsearch.indexes.building.warm_start import WarmStart, reuse_training
from itemsearch.indexes.errors import WarmStartError
from itemsearch.indexes.progress import Progress, silent
from itemsearch.indexes.searching.params import OperatingPoint, save_tuning
from itemsearch.indexes.storage.files import save_index
from itemsearch.indexes.storage.vectors import StoredVectors
from itemsearch.indexes.types import BuiltIndex, CheckedVectors, IndexSpec, Target


@dataclass(frozen=True, slots=True)
class BuildOptions:
    """How `build_files` builds an index.

    spec: None to choose it. device: "cpu" or "cuda". seed: of `build_index`. target: None for an index that
    is searched with default parameters and not measured. warm_start: the version whose training is reused
    while it reaches the target; None to train. cold_reason: why there is no warm start, for the report.
    """

    spec: IndexSpec | None
    device: str
    seed: int = 0
    target: Target | None = None
    warm_start: WarmStart | None = None
    cold_reason: str = "as every build is by itself"


@dataclass(frozen=True, slots=True)
class FilesReport:
    """seconds: by stage, summed over all specifications that were tried. training: what was trained or
    reused, and why, in words."""

    seconds: Mapping[str, float]
    training: str


def build_files(
    folder: Path, tie_rank: Rows, options: BuildOptions, progress: Progress = silent
) -> FilesReport:
    """Builds an index over the vectors in a folder and writes its files there.

    With a target, a warm start serves if it reaches the target. Otherwise the specifications that may reach
    it are built and tuned, the cheapest first, until one does.

    Args:
        tie_rank: (N,) int64, the order of rows of equal score.

    Raises:
        BuildError: as `build_index`.
        TargetError: nothing that fits the budget reaches the target.
    """
    checked = check_vectors(StoredVectors.open(folder), progress)
    if options.target is None:
        built = build_index(checked, options.spec, options.device, options.seed, progress)
        save_index(folder, built, tie_rank)
        return FilesReport(built.seconds, _trained(built, options.cold_reason))
    try:
        return _build_warm(folder, checked, tie_rank, options, options.target, progress)
    except WarmStartError as error:
        cold = replace(options, cold_reason=str(error))
        return _build_to_target(folder, checked, tie_rank, cold, options.target, progress)


def _build_warm(
    folder: Path,
    checked: CheckedVectors,
    tie_rank: Rows,
    options: BuildOptions,
    target: Target,
    progress: Progress,
) -> FilesReport:
    """
    Raises:
        WarmStartError: there is no warm start, or it misses the target.
    """
    if options.warm_start is None:
        raise WarmStartError(options.cold_reason)
    built, training, params = reuse_training(
        options.warm_start, checked, target, options.spec, options.device, progress
    )
    save_index(folder, built, tie_rank)
    started = perf_counter()
    progress("measuring the recall")
    tuning = measure(folder, target, params)
    measured = (
        f"the training of version {training.version}, of {training.vectors:,} different vectors, "
        f"gives {len(checked.representatives):,} a recall@{target.at} of {tuning.chosen.recall:.4f}"
    )
    if not tuning.reached:
        raise WarmStartError(f"{measured}, and the target is {target.recall:g}")
    save_tuning(folder, tuning)
    return FilesReport({**built.seconds, "measure": perf_counter() - started}, f"kept: {measured}")


def _build_to_target(
    folder: Path,
    checked: CheckedVectors,
    tie_rank: Rows,
    options: BuildOptions,
    target: Target,
    progress: Progress,
) -> FilesReport:
    """
    Raises:
        TargetError: nothing that fits the budget reaches the target.
    """
    sizes = len(checked.vectors), len(checked.representatives), checked.vectors.shape[1]
    seconds: Counter[str] = Counter()
    best: list[OperatingPoint] = []
    for spec in candidate_specs(*sizes, target, options.spec):
        built = build_index(checked, spec, options.device, options.seed, progress)
        save_index(folder, built, tie_rank)
        started = perf_counter()
        tuning = tune(folder, target, progress)
        seconds.update({**built.seconds, "tune": perf_counter() - started})
        if tuning.reached:
            save_tuning(folder, tuning)
            return FilesReport({**seconds, "check": checked.seconds}, _trained(built, options.cold_reason))
        best.append(tuning.chosen)
    raise target_missed(target, best_of(best, target))


def _trained(built: BuiltIndex, reason: str) -> str:
    return f"trained: {reason}" if built.training else "none: an exact index needs none"
