"""Warm start: reuse of the centroids and codebooks of an earlier version for an index of other vectors.

Centroids and codebooks describe how vectors are distributed, and a night changes few vectors: such an index
is filled without being trained. Every vector is assigned and encoded again, because entries are numbered anew
in every version: reusing the codes of unchanged vectors would need matching and renumbering, to save seconds.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from itemsearch.indexes.building.choose import choose_spec
from itemsearch.indexes.building.train import fill_index
from itemsearch.indexes.errors import DamagedIndexError, WarmStartError
from itemsearch.indexes.gpu import to_gpu
from itemsearch.indexes.progress import Progress, silent
from itemsearch.indexes.searching.params import TUNING, SearchParams, Tuning, read_tuning
from itemsearch.indexes.storage.files import (
    FAISS_INDEX,
    SUMMARY,
    FilesSummary,
    read_emptied,
    read_files_summary,
)
from itemsearch.indexes.storage.versions import Version, verify_version
from itemsearch.indexes.types import BuiltIndex, CheckedVectors, IndexSpec, IndexTraining, Target


@dataclass(frozen=True, slots=True)
class WarmStart:
    """A version whose training may be reused for vectors of the same model.

    retrain_ratio: the share by which the number of distinct vectors may have grown or shrunk since the
    training.
    """

    version: Version
    retrain_ratio: float


def reuse_training(
    warm_start: WarmStart,
    checked: CheckedVectors,
    target: Target,
    spec: IndexSpec | None,
    device: str,
    progress: Progress = silent,
) -> tuple[BuiltIndex, IndexTraining, SearchParams]:
    """Fills the trained index of an earlier version with other vectors.

    Args:
        target: what the index has to reach; the earlier version must have been built for the same target.
        spec: what the index has to be; None for any.
        device: "cpu" or "cuda".

    Returns:
        The index, its training, which names the version that was trained, and the parameters by which the
        earlier version is searched.

    Raises:
        WarmStartError: the version is damaged, exact or built for another target or specification, or the
            number of distinct vectors has changed too much.
        BuildError: as `fill_index`.
        DamagedIndexError: the FAISS file is no index.
    """
    version = warm_start.version
    summary, tuning = _read_verified(version)
    if choose_spec(len(checked.representatives), checked.vectors.shape[1]).kind == "exact" and spec is None:
        raise WarmStartError(
            f"{len(checked.representatives):,} different vectors are few enough for an exact index"
        )
    if summary.training is None:
        raise WarmStartError(f"version {version.number} is exact")
    if tuning is None or tuning.target != target or summary.spec != (spec or summary.spec):
        raise WarmStartError(f"version {version.number} was built to be another kind of index")
    _check_growth(warm_start, summary.training.vectors, len(checked.representatives))
    training = replace(summary.training, version=summary.training.version or version.number)
    index = read_emptied(version.folder / FAISS_INDEX)
    index = to_gpu(index, summary.spec) if device == "cuda" else index
    filled = fill_index(checked, summary.spec, index, training, device, progress)
    return filled, training, tuning.chosen.params


def _read_verified(version: Version) -> tuple[FilesSummary, Tuning | None]:
    """
    Raises:
        WarmStartError: a file that a warm start reads was altered.
    """
    try:
        verify_version(version, (SUMMARY, TUNING, FAISS_INDEX))
        return read_files_summary(version.folder), read_tuning(version.folder)
    except DamagedIndexError as error:
        raise WarmStartError(f"version {version.number} is damaged: {error}") from error


def _check_growth(warm_start: WarmStart, before: int, now: int) -> None:
    """
    Raises:
        WarmStartError: the number of distinct vectors changed by more than the retrain ratio.
    """
    if abs(now - before) > warm_start.retrain_ratio * before:
        raise WarmStartError(
            f"{now:,} different vectors instead of {before:,}, a change of more than "
            f"{warm_start.retrain_ratio:.0%}"
        )
