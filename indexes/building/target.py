"""Builds an index that reaches a recall within a budget of memory and time."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from time import perf_counter

import numpy as np

from itemsearch.indexes.arrays import Rows
from itemsearch.indexes.building.choose import IndexSpec, Target, candidate_specs
from itemsearch.indexes.building.train import BuiltIndex, CheckedVectors, build_index, check_vectors
from itemsearch.indexes.building.tune import best_of, measure, target_missed, tune
from itemsearch.indexes.building.warm_start import Earlier, fill_lent, lend
from itemsearch.indexes.errors import OutgrownError
from itemsearch.indexes.searching.params import Point, save_tuning
from itemsearch.indexes.storage.files import VECTORS, save_index


@dataclass(frozen=True, slots=True)
class BuildOptions:
    """spec: None to choose. device: as `resolve_device` says. seed: of `build_index`. target: None for an
    index that is searched by default parameters and not measured. earlier: a version of the same model, whose
    training is kept while it reaches the target; None to train anew, for the reason `anew`."""

    spec: IndexSpec | None
    device: str
    seed: int = 0
    target: Target | None = None
    earlier: Earlier | None = None
    anew: str = "as every build is by itself"


@dataclass(frozen=True, slots=True)
class FilesReport:
    """seconds by stage, of all that was tried together. training: what was trained or kept, and why."""

    seconds: Mapping[str, float]
    training: str


def build_files(folder: Path, tie_rank: Rows, options: BuildOptions) -> FilesReport:
    """Builds an index over `vectors.npy` in a folder and writes its files there.

    With a target, the training of an earlier version serves if it reaches it; else the specs that may reach
    it are built and tuned, the cheapest first, until one does.

    Raises:
        BuildError: as `build_index`.
        TargetError: nothing that fits the budget reaches the target.
    """
    checked = check_vectors(np.load(folder / VECTORS, mmap_mode="r"))
    if options.target is None:
        built = build_index(checked, options.spec, options.device, options.seed)
        save_index(folder, built, tie_rank)
        return FilesReport(built.seconds, _trained(built, options.anew))
    try:
        return _keep_training(folder, checked, tie_rank, options, options.target)
    except OutgrownError as error:
        return _build_to_target(folder, checked, tie_rank, replace(options, anew=str(error)), options.target)


def _keep_training(
    folder: Path, checked: CheckedVectors, tie_rank: Rows, options: BuildOptions, target: Target
) -> FilesReport:
    """
    Raises:
        OutgrownError: no earlier version can lend its training, or it falls short of the target by now.
    """
    if options.earlier is None:
        raise OutgrownError(options.anew)
    lent = lend(options.earlier, checked, target, options.spec)
    built = fill_lent(lent, checked, options.device)
    save_index(folder, built, tie_rank)
    started = perf_counter()
    tuning = measure(folder, target, lent.params)
    told = (
        f"the training of version {lent.training.version}, of {lent.training.vectors:,} different vectors, "
        f"gives {len(checked.leaders):,} a recall@{target.at} of {tuning.chosen.recall:.4f}"
    )
    if not tuning.reached:
        raise OutgrownError(f"{told}, and the target is {target.recall:g}")
    save_tuning(folder, tuning)
    return FilesReport({**built.seconds, "measure": perf_counter() - started}, f"kept: {told}")


def _build_to_target(
    folder: Path, checked: CheckedVectors, tie_rank: Rows, options: BuildOptions, target: Target
) -> FilesReport:
    sizes = len(checked.vectors), len(checked.leaders), checked.vectors.shape[1]
    seconds: Counter[str] = Counter()
    best: list[Point] = []
    for spec in candidate_specs(*sizes, target, options.spec):
        built = build_index(checked, spec, options.device, options.seed)
        save_index(folder, built, tie_rank)
        started = perf_counter()
        tuning = tune(folder, target)
        seconds.update({**built.seconds, "tune": perf_counter() - started})
        if tuning.reached:
            save_tuning(folder, tuning)
            return FilesReport({**seconds, "check": checked.seconds}, _trained(built, options.anew))
        best.append(tuning.chosen)
    raise target_missed(target, best_of(best, target))


def _trained(built: BuiltIndex, why: str) -> str:
    return f"trained: {why}" if built.training else "none: an exact index needs none"
