"""Builds an index that reaches a recall within a budget of memory and time."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter

import numpy as np

from indexes.build import CheckedVectors, build_index, check_vectors
from indexes.choose import IndexSpec, Target, candidate_specs
from indexes.distinct import Rows
from indexes.files import VECTORS, save_index
from indexes.params import Point, save_tuning
from indexes.tune import best_of, target_missed, tune


@dataclass(frozen=True, slots=True)
class BuildOptions:
    """spec: None to choose. device: as `resolve_device` says. seed: of `build_index`. target: None for an
    index that is searched by default parameters and not measured."""

    spec: IndexSpec | None
    device: str
    seed: int = 0
    target: Target | None = None


def build_files(folder: Path, tie_rank: Rows, options: BuildOptions) -> Mapping[str, float]:
    """Builds an index over `vectors.npy` in a folder and writes its files there.

    With a target, the specs that may reach it are built and tuned, the cheapest first, until one does.

    Returns:
        seconds by stage, of all that were tried together.

    Raises:
        BuildError: as `build_index`.
        TargetError: nothing that fits the budget reaches the target.
    """
    checked = check_vectors(np.load(folder / VECTORS, mmap_mode="r"))
    if options.target is None:
        built = build_index(checked, options.spec, options.device, options.seed)
        save_index(folder, built, tie_rank)
        return built.seconds
    return _build_to_target(folder, checked, tie_rank, options, options.target)


def _build_to_target(
    folder: Path, checked: CheckedVectors, tie_rank: Rows, options: BuildOptions, target: Target
) -> Mapping[str, float]:
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
            return {**seconds, "check": checked.seconds}
        best.append(tuning.chosen)
    raise target_missed(target, best_of(best, target))
