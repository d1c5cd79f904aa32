"""Chooses how an index is searched, by measuring it."""

from __future__ import annotations

from pathlib import Path

from indexes.choose import Target
from indexes.params import TUNING, save_tuning
from indexes.publish import current_version, staging
from indexes.tune import target_missed, tune
from itemsearch.search.folder import IndexSummary, index_errors, read_summary

__all__ = ["Target", "tune_index_folder"]


def tune_index_folder(folder: Path, target: Target) -> IndexSummary:
    """Makes a version current that is the current one but for its search parameters; all else is shared.

    Raises:
        IndexFolderError: no index, a damaged one, or one that is being built.
        GateError: the target is not reached; the current version stays.
    """
    read_summary(folder)  # what is no index must not become the beginning of one
    with index_errors(folder), staging(folder) as stage:
        version = current_version(folder)
        tuning = tune(version.folder, target)
        if not tuning.reached:
            raise target_missed(target, tuning.chosen)
        stage.link(version, leaving=[TUNING])
        save_tuning(stage.folder, tuning)
        stage.publish(version.metadata)
    return read_summary(folder)
