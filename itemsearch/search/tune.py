"""Measures an index and chooses its search parameters."""

from __future__ import annotations

from pathlib import Path

from itemsearch.indexes.building.tune import target_missed, tune
from itemsearch.indexes.searching.params import TUNING, save_tuning
from itemsearch.indexes.storage.publish import KEEP_VERSIONS, staging
from itemsearch.indexes.storage.versions import current_version
from itemsearch.indexes.types import Target
from itemsearch.search.folder import IndexSummary, index_errors, read_summary, summarise
from itemsearch.search.verify import check_staged


def tune_index_folder(folder: Path, target: Target, keep: int = KEEP_VERSIONS) -> IndexSummary:
    """Publishes the current version with measured search parameters; all other files are shared.

    Args:
        keep: how many versions stay, the new one among them.

    Raises:
        IndexFolderError: there is no index, it is damaged, or it is being built.
        GateError: the target is not reached, or a check failed; the current version stays.
    """
    read_summary(folder)  # raises where there is no index, before a version is staged there
    with index_errors(folder), staging(folder) as stage:
        version = current_version(folder)
        tuning = tune(version.folder, target)
        if not tuning.reached:
            raise target_missed(target, tuning.chosen)
        stage.link(version, leaving=[TUNING])
        save_tuning(stage.folder, tuning)
        check_staged(stage.folder, version.metadata)
        return summarise(folder, stage.publish(version.metadata, keep, follows_current=True))
