"""What an earlier version learnt, for an index of other vectors that are much like its own.

Centroids and codebooks describe how vectors lie, and a night changes few of them: an index is then filled
without being trained. Every vector is assigned and coded again: entries are numbered anew with every version,
so that codes of vectors that stayed would have to be matched and renumbered, to save a few seconds.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

from itemsearch.indexes.building.choose import IndexSpec, Target, choose_spec
from itemsearch.indexes.building.train import BuiltIndex, CheckedVectors, Training, fill_index
from itemsearch.indexes.errors import DamagedIndexError, OutgrownError
from itemsearch.indexes.gpu import to_gpu
from itemsearch.indexes.searching.params import TUNING, SearchParams, read_tuning
from itemsearch.indexes.storage.files import FAISS_INDEX, SUMMARY, read_emptied, read_files_summary
from itemsearch.indexes.storage.versions import Version, verify_version


@dataclass(frozen=True, slots=True)
class Earlier:
    """A version that may lend its training.

    retrain_ratio: by what share the different vectors may have grown or shrunk since it was trained.
    """

    version: Version
    retrain_ratio: float


@dataclass(frozen=True, slots=True)
class Lent:
    """params: how the earlier version is searched. training: names the version that was trained."""

    folder: Path
    spec: IndexSpec
    training: Training
    params: SearchParams


def lend(earlier: Earlier, checked: CheckedVectors, target: Target, spec: IndexSpec | None) -> Lent:
    """The training of an earlier version, for vectors of the same model.

    Args:
        spec: what the index has to be; None for any.

    Raises:
        OutgrownError: it was built otherwise, is damaged, or the vectors have become many more or fewer.
    """
    version, folder = earlier.version, earlier.version.folder
    try:
        verify_version(version, (SUMMARY, TUNING, FAISS_INDEX))
        summary, tuning = read_files_summary(folder), read_tuning(folder)
    except DamagedIndexError as error:
        raise OutgrownError(f"version {version.number} is damaged: {error}") from error
    training, now = summary.training, len(checked.leaders)
    if choose_spec(now, checked.vectors.shape[1]).kind == "exact" and spec is None:
        raise OutgrownError(f"{now:,} different vectors are few enough for an exact index")
    if training is None:
        raise OutgrownError(f"version {version.number} is exact")
    if tuning is None or tuning.target != target or summary.spec != (spec or summary.spec):
        raise OutgrownError(f"version {version.number} was built to be another kind of index")
    if abs(now - training.vectors) > earlier.retrain_ratio * training.vectors:
        raise OutgrownError(
            f"{now:,} different vectors instead of {training.vectors:,}, a change of more than "
            f"{earlier.retrain_ratio:.0%}"
        )
    named = replace(training, version=training.version or version.number)
    return Lent(folder, summary.spec, named, tuning.chosen.params)


def fill_lent(lent: Lent, checked: CheckedVectors, device: str) -> BuiltIndex:
    """The index of an earlier version's training, and of these vectors.

    Raises:
        BuildError: as `fill_index`.
        DamagedIndexError: its file is no index.
    """
    index = read_emptied(lent.folder / FAISS_INDEX)
    index = to_gpu(index, lent.spec) if device == "gpu" else index
    return fill_index(checked, lent.spec, index, lent.training, device)
