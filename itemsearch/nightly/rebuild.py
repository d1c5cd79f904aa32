"""From a catalog to a published index: embed what changed, build, ask the guards, publish."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from itemsearch.catalog import CatalogConfig, open_catalog
from itemsearch.embed.catalog import EmbedConfig, embed_catalog
from itemsearch.embed.encoder import ListingEncoder
from itemsearch.errors import GateError, IndexFolderError
from itemsearch.indexes.building.choose import Target
from itemsearch.indexes.storage.files import read_distinct
from itemsearch.indexes.storage.versions import current_version, verify_version
from itemsearch.nightly.config import Guards, RebuildConfig
from itemsearch.nightly.record import RunLog
from itemsearch.search.build import IndexConfig, build_index_folder
from itemsearch.search.folder import IndexSummary, index_errors
from itemsearch.store.reuse import EarlierRows

Progress = Callable[[int, int], None]


@dataclass(frozen=True, slots=True)
class Served:
    """What the current version holds. repeated: the share of rows that repeat another's embedding."""

    version: int
    rows: int
    repeated: float


@dataclass(frozen=True, slots=True)
class Plan:
    """What a run would do: rows = embed + reuse + rejected without a picture being decoded."""

    rows: int
    embed: int
    reuse: int
    rejected: int
    served: Served | None


def rebuild(config: RebuildConfig, log: RunLog, progress: Progress) -> IndexSummary:
    """Runs the stages check, embed and index; each tells `log` what it counted.

    Raises:
        CatalogError, TooManyBadRowsError, StoreError, ModelError: as `embed_catalog`.
        GateError: the recall was not reached, or a guard stopped the new version; the old one stays current.
    """
    store, index = Path(config.store), Path(config.index)
    with log.stage("check") as stage:
        open_catalog(_catalog(config))
        served = _served(index, stage.facts)
    with log.stage("embed") as stage:
        encoder = ListingEncoder.from_pretrained(config.model, config.device)
        options = EmbedConfig(max_bad_rate=config.guards.max_bad_rate, dtype=config.dtype)
        report = embed_catalog(_catalog(config), store, encoder, options, progress)
        stage.facts |= {
            "rows": report.rows,
            "embedded": report.embedded,
            "reused": report.reused,
            "rejected": report.rejected,
            "damaged_shards": len(report.damaged),
        }
        if report.damaged:
            stage.facts["damaged"] = ", ".join(report.damaged)
    with log.stage("index") as stage:
        target = Target(config.build.target_recall, config.build.at) if config.build.target_recall else None
        built = IndexConfig(
            config.device, target=target, keep=config.build.keep, retrain_ratio=config.build.retrain_ratio
        )

        def guard(folder: Path, metadata: Mapping[str, Any]) -> None:
            stage.facts["repeated"] = repeated = _repeated(folder)
            ask_guards(config.guards, served, int(metadata["rows"]), repeated)

        summary = build_index_folder(store, index, built, [guard])
        stage.facts |= {
            "version": summary.version,
            "rows": summary.rows,
            "spec": summary.spec,
            "training": summary.training,
            "bytes_per_vector": summary.bytes_per_vector,
            **{f"{name}_seconds": round(seconds, 3) for name, seconds in summary.seconds.items()},
        }
        if summary.tuning is not None:
            stage.facts["recall"] = summary.tuning.chosen.recall
    return summary


def plan(config: RebuildConfig) -> Plan:
    """What `rebuild` would embed and reuse, without decoding a picture or writing anything.

    Raises:
        CatalogError, ModelError: the catalog or the model cannot be read.
    """
    encoder = ListingEncoder.from_pretrained(config.model, config.device)
    earlier = EarlierRows.find(Path(config.store), encoder.stamp, encoder.dim, config.dtype)
    rows = reuse = kept = 0
    for batch in open_catalog(_catalog(config)).batches(lambda id, content_hash: True):
        rows, kept = rows + batch.rows, kept + len(batch.listings)
        reuse += sum(earlier.holds(product.id, product.content_hash) for product in batch.listings)
    return Plan(rows, kept - reuse, reuse, rows - kept, _served(Path(config.index), {}))


def ask_guards(guards: Guards, served: Served | None, rows: int, repeated: float) -> None:
    """
    Raises:
        GateError: the new version differs from the one that is served by more than the guards allow.
    """
    if served is None:
        return
    fallen = 1 - rows / served.rows
    if fallen > guards.max_fallen:
        raise GateError(
            f"{rows:,} rows instead of the {served.rows:,} of version {served.version}: {fallen:.1%} gone, "
            f"more than guards.max_fallen {guards.max_fallen:g}; version {served.version} stays current"
        )
    risen = repeated - served.repeated
    if risen > guards.max_duplicates_jump:
        raise GateError(
            f"{repeated:.1%} of the rows repeat another's embedding, {served.repeated:.1%} did in version "
            f"{served.version}: more than guards.max_duplicates_jump {guards.max_duplicates_jump:g}; version "
            f"{served.version} stays current"
        )


def _catalog(config: RebuildConfig) -> CatalogConfig:
    return CatalogConfig(
        config.catalog, dict(config.columns), Path(config.image_root) if config.image_root else None
    )


def _served(index: Path, facts: dict[str, Any]) -> Served | None:
    """None where there is no index yet. Damage is told, and mended by building again."""
    if not index.exists():
        return None
    served = None
    try:
        with index_errors(index):
            version = current_version(index)
            served = Served(version.number, version.metadata["rows"], _repeated(version.folder))
            verify_version(version)
    except IndexFolderError as error:
        facts["damaged"] = str(error)
    return served


def _repeated(folder: Path) -> float:
    distinct = read_distinct(folder)
    return 1 - len(distinct) / len(distinct.rows)
