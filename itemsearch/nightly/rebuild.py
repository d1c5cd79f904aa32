"""The nightly rebuild: embeds what changed, builds an index, checks the guards and publishes."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any

from itemsearch.catalog import CatalogConfig, find_placeholders, open_catalog
from itemsearch.dedupe import holds, update_duplicates
from itemsearch.duplicates.run import RunConfig
from itemsearch.embed.catalog import EmbedConfig, embed_catalog
from itemsearch.embed.encoder import open_encoder
from itemsearch.errors import ItemSearchError
from itemsearch.fetch.addresses import picture_addresses
from itemsearch.fetch.run import fetch_pictures
from itemsearch.indexes.types import Target
from itemsearch.nightly.config import RebuildConfig
from itemsearch.nightly.guards import ServedVersion, check_feed, check_version, read_figures, served_version
from itemsearch.nightly.record import RunLog, Stage
from itemsearch.search.build import IndexConfig, build_index_folder
from itemsearch.search.engine import Engine
from itemsearch.search.folder import IndexSummary, read_summary
from itemsearch.store.kept_pictures import KeepPictures
from itemsearch.store.reader import open_embedded
from itemsearch.store.restore import restoring
from itemsearch.store.reuse import EarlierRows

IMAGE_PROBLEM_REASONS = "image_problem_reasons"
"""The fact of the stage embed that holds `EmbedReport.image_problems`."""

Progress = Callable[[int, int], None]
"""Receives the rows read and the rows rejected so far."""


@dataclass(frozen=True, slots=True)
class RebuildPlan:
    """The rows that a run would embed, reuse and reject.

    `rows` = `embed` + `reuse` + `rejected`. served: None if there is no index yet.
    """

    rows: int
    embed: int
    reuse: int
    rejected: int
    served: ServedVersion | None


def rebuild(config: RebuildConfig, log: RunLog, progress: Progress) -> IndexSummary:
    """Runs the stages check, fetch, embed, index and duplicates, each of which records its counts in `log`.

    The stages fetch and duplicates run where the configuration asks for them.

    Raises:
        CatalogError, TooManyBadRowsError, StoreError, ModelError: as `embed_catalog`.
        FetchError: as `fetch_pictures`; a picture that cannot be had is no error.
        GateError: the target recall is not reached, or a guard fails, if it can before anything is embedded;
            the old version stays current, and the store is as it was.
        ItemSearchError: the duplicates cannot be found; the new version stays current.
    """
    store, index = Path(config.store), Path(config.index)
    with log.stage("check") as stage:
        open_catalog(_catalog(config))
        current = served_version(index, stage.facts)
        log.version = current.version if current else None
    if config.fetch:
        with log.stage("fetch") as stage:
            stage.facts |= _fetch(config)
    with restoring(store):
        _embed(config, store, current, log, progress)
        with log.stage("index") as stage:
            summary = _index(config, store, current, stage)
            log.version = summary.current
    if config.duplicates:
        with log.stage("duplicates") as stage:
            stage.facts |= _find_duplicates(index, Path(config.duplicates), summary.current)
    return summary


def _embed(
    config: RebuildConfig, store: Path, current: ServedVersion | None, log: RunLog, progress: Progress
) -> None:
    with log.stage("embed") as stage:
        encoder = open_encoder(config.model, config.device, config.threads)
        options = EmbedConfig(
            max_bad_rate=config.guards.max_bad_rate,
            dtype=config.dtype,
            keep_replaced=True,
            max_bad_rate_name="guards.max_bad_rate",
            keep_pictures=KeepPictures(config.keep_pictures),
        )
        judge = partial(check_feed, config.guards, current)
        report = embed_catalog(_catalog(config), store, encoder, options, progress, judge)
        stage.facts |= {
            "rows": report.rows,
            "embedded": report.embedded,
            "reused": report.reused,
            "rejected": report.rejected,
            "damaged_shards": len(report.damaged),
            **{f"rejected_{reason}": count for reason, count in sorted(report.reasons.items())},
            "image_problems": sum(problem.listings for problem in report.image_problems.values()),
            IMAGE_PROBLEM_REASONS: report.image_problems,
        }
        if report.frequent_reasons:
            stage.facts["reasons"] = [asdict(each) for each in report.frequent_reasons]
        if report.damaged:
            stage.facts["damaged"] = ", ".join(report.damaged)


def _index(config: RebuildConfig, store: Path, current: ServedVersion | None, stage: Stage) -> IndexSummary:
    """Publishes a version, unless the current one is whole, of the same store and of the same target."""
    index = Path(config.index)
    target = Target(config.build.target_recall, config.build.at) if config.build.target_recall else None
    if current and current.whole and holds(index, open_embedded(store)):
        served = read_summary(index)
        if (served.tuning and served.tuning.target) == target:
            stage.facts |= {"version": served.version, "rows": served.rows, "unchanged": True}
            return served
    built = IndexConfig(
        config.device, target=target, keep=config.build.keep, retrain_ratio=config.build.retrain_ratio
    )

    def guard(folder: Path, metadata: Mapping[str, Any]) -> None:
        figures = read_figures(folder)
        stage.facts |= asdict(figures)
        check_version(config.guards, current, figures)

    summary = build_index_folder(store, index, built, [guard])
    stage.facts |= _index_facts(summary)
    return summary


def _fetch(config: RebuildConfig) -> dict[str, Any]:
    """What the stage fetch records."""
    addresses = picture_addresses(_catalog(config))
    report = fetch_pictures(addresses, Path(config.fetched), config.fetching, lambda done, failed: None)
    facts = asdict(report)
    del facts["seconds"], facts["reasons"], facts["examples"]
    most = [f"{count:,} {reason}: {report.examples[reason]}" for reason, count in report.reasons.items()]
    return {**facts, "most_failed": most[0]} if most else facts


def _find_duplicates(index: Path, out: Path, version: int) -> dict[str, Any]:
    """What the stage duplicates records.

    Raises:
        ItemSearchError: says that the version is published all the same.
    """
    try:
        report = update_duplicates(Engine.open(index), out, RunConfig(), lambda step, done, total: None)
    except ItemSearchError as error:
        raise type(error)(f"version {version} is current, but not its duplicates: {error}") from error
    return {
        "listings": report.listings,
        "compared": report.compared,
        **{f"{name}_pairs": count for name, count in report.pairs.items()},
        **{f"{name}_groups": count for name, count in report.groups.items()},
        **{f"{name}_changes": count for name, count in report.changes.items()},
    }


def _index_facts(summary: IndexSummary) -> dict[str, Any]:
    """What the stage index records of a published version."""
    facts = {
        "version": summary.version,
        "current": summary.current,
        "rows": summary.rows,
        "spec": summary.spec,
        "training": summary.training,
        "shared": summary.shared,
        "bytes_per_vector": summary.bytes_per_vector,
        **{f"{name}_seconds": round(seconds, 3) for name, seconds in summary.seconds.items()},
    }
    return facts if summary.tuning is None else {**facts, "recall": summary.tuning.chosen.recall}


def plan_rebuild(config: RebuildConfig) -> RebuildPlan:
    """Counts what `rebuild` would embed and reuse; decodes the pictures that it would embed, and writes
    nothing.

    Raises:
        CatalogError, ModelError: the catalog or the model cannot be read.
    """
    encoder = open_encoder(config.model, config.device, config.threads)
    earlier = EarlierRows.find(Path(config.store), encoder.stamp, encoder.dim, config.dtype)
    rows = reuse = listings = 0
    catalog = open_catalog(_catalog(config))
    placeholders = [each.digest for each in find_placeholders(catalog)]
    for batch in catalog.batches(earlier.holds, placeholders):
        rows, listings = rows + batch.rows, listings + len(batch.items)
        reuse += sum(listing.known for listing in batch.items)
    current = served_version(Path(config.index), {})
    return RebuildPlan(rows, listings - reuse, reuse, rows - listings, current)


def _catalog(config: RebuildConfig) -> CatalogConfig:
    return CatalogConfig(
        config.catalog,
        dict(config.columns),
        Path(config.image_root) if config.image_root else None,
        read=config.read,
        ignored=config.ignore_columns,
        category_separator=config.category_separator,
        max_images=config.max_images,
        require_image=config.require_image,
        fetched=Path(config.fetched) if config.fetched else None,
    )
