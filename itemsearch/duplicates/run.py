"""Finds the duplicates of an index: joins, decides and groups pairs of listings, and writes the tables."""

from __future__ import annotations

import json
import shutil
from collections import Counter
from collections.abc import Collection, Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from itemsearch.decisions.of_index import rejected_pairs
from itemsearch.duplicates.groups.form import DEFAULT_GROUPS, GroupSettings, group
from itemsearch.duplicates.groups.groups_csv import write_groups_csv
from itemsearch.duplicates.groups.history import Changes, name_groups, read_groups
from itemsearch.duplicates.groups.keeper import rank_keepers
from itemsearch.duplicates.pairs.decide import REJECTED_REASON, decide, may_pass
from itemsearch.duplicates.pairs.join import JoinConfig, Joined, Progress, join
from itemsearch.duplicates.pairs.since import carried_pairs, changed_since
from itemsearch.duplicates.run_folder import (
    CHANGES,
    FORMAT,
    GROUPS,
    PAIRS,
    REPORT,
    RUN,
    SPREADSHEET,
    DuplicateTables,
    RunReport,
    WeakPair,
)
from itemsearch.duplicates.types import GROUPS_SCHEMA, PAIRS_SCHEMA, ROWS_SCHEMA, Decision, Tier
from itemsearch.indexes.arrays import Mask
from itemsearch.indexes.durable import replace_file, replacing
from itemsearch.probability.thresholds import Thresholds
from itemsearch.search.engine import Engine

JOIN = "join"
"""The folder of unfinished work, inside the run folder; removed at the end of a run."""
WEAKEST = 5
PUBLISHED = (Decision.DUPLICATE, Decision.REVIEW, Decision.VARIANT, Decision.REJECTED)


@dataclass(frozen=True, slots=True)
class RunConfig:
    """How duplicates are found.

    calibrated: whether the thresholds come from a calibration. new: as `since` of `changed_since`, to join
    only new or changed listings; "" for all. since: the folder of an earlier run to compare groups with; None
    for the folder that is written.
    """

    join: JoinConfig
    thresholds: Thresholds
    calibrated: bool
    groups: GroupSettings = DEFAULT_GROUPS
    new: str = ""
    since: Path | None = None

    def describe(self, engine: Engine) -> dict[str, Any]:
        """Everything that pairs depend on but the listings, as JSON stores it: pairs of two runs can be put
        together where their descriptions are equal."""
        model = engine.summary.model.fingerprint if engine.summary.model else None
        settings = {"model": model, "join": asdict(self.join), "thresholds": asdict(self.thresholds)}
        described: dict[str, Any] = json.loads(json.dumps(settings))
        return described


def find_duplicates(engine: Engine, out: Path, config: RunConfig, progress: Progress) -> RunReport:
    """Writes `pairs.parquet`, `groups.parquet`, `groups.csv`, `changes.json` and `run.json`.

    A run that is killed leaves the earlier results of the folder as they were, and its own unfinished work in
    `join/`; the next run of the same settings continues from there.

    Raises:
        UsageError: a filter, variant rule, keeper or earlier run that does not fit.
        IndexFolderError: the version named by `new` was deleted.
    """
    # A wrong keeper is refused before the join, which may take an hour.
    rank_keepers(engine.listings, np.empty(0, np.int64), config.groups.keep_by)
    earlier = _earlier_groups(out, config)
    changed = changed_since(engine, config.new) if config.new else None
    rejected = rejected_pairs(engine)
    carried = _carried(engine, config, changed, rejected)
    joined = _join(engine, out, config, progress, changed)
    decided = decide(joined.pairs, config.thresholds, rejected)
    kept = pa.concat_tables([decided.filter(_published(decided, changed)), carried])
    groups = group(kept, engine.listings, config.groups, rejected)
    groups, changes = name_groups(groups, earlier)
    pairs = kept.sort_by([("score", "descending"), ("id_a", "ascending"), ("id_b", "ascending")])
    tables = DuplicateTables(engine.listings, pairs.select(PAIRS_SCHEMA.names), groups)
    rows = engine.prepare_filter(config.join.filter).rows(engine.summary.rows)
    joined_rows = len(rows) if changed is None else int(changed[rows].sum())
    report = _report(joined, joined_rows, tables, changes, config.calibrated)
    _write(out, tables, changes, {**_describe(engine, config), "report": asdict(report)})
    shutil.rmtree(out / JOIN)
    return report


def _earlier_groups(out: Path, config: RunConfig) -> pa.Table:
    """The groups of the run to compare with; an empty table where `out` is new."""
    path = (config.since or out) / GROUPS
    if config.since is None and not path.exists():
        return GROUPS_SCHEMA.empty_table()
    return read_groups(path)


def _join(engine: Engine, out: Path, config: RunConfig, progress: Progress, changed: Mask | None) -> Joined:
    """All pairs that may pass, and the other pairs of their listings, as a probability needs them."""

    def keep(measured: pa.Table) -> Mask:
        return may_pass(measured, config.thresholds)

    settings = replace(config.join, key=json.dumps(asdict(config.thresholds)))
    joined = join(engine, settings, keep, out / JOIN / "pairs", progress, changed)
    if changed is None or config.thresholds.weights is None:
        return joined
    partners = changed.copy()
    partners[joined.pairs["row_a"].to_numpy()] = partners[joined.pairs["row_b"].to_numpy()] = True
    return join(engine, settings, keep, out / JOIN / "rivals", progress, partners)


def _published(decided: pa.Table, changed: Mask | None) -> pa.ChunkedArray:
    """(P,) whether each pair is part of the result."""
    passes = pc.not_equal(decided["decision"], Decision.DIFFERENT.value)
    if changed is None:
        return passes
    touched = changed[decided["row_a"].to_numpy()] | changed[decided["row_b"].to_numpy()]
    return pc.and_(passes, pa.array(touched))


def _carried(
    engine: Engine, config: RunConfig, changed: Mask | None, rejected: Collection[tuple[str, str]]
) -> pa.Table:
    """The pairs of unchanged listings from the run folder `config.new`, with its decisions but for the pairs
    that a person rejected since. Empty where `config.new` is the number of a version, which has no pairs."""
    if changed is None or config.new.isdecimal():
        return pa.schema([*ROWS_SCHEMA, *PAIRS_SCHEMA]).empty_table()
    gone = np.ones(len(changed), bool)
    gone[engine.prepare_filter(config.join.filter).rows(len(changed))] = False
    carried = carried_pairs(engine, Path(config.new), gone | changed, config.describe(engine))
    ids = zip(carried["id_a"].to_pylist(), carried["id_b"].to_pylist(), strict=True)
    is_rejected = pa.array([pair in rejected for pair in ids], pa.bool_())
    for name, value in (("decision", Decision.REJECTED.value), ("reason", REJECTED_REASON)):
        place = carried.column_names.index(name)
        values = pc.if_else(is_rejected, value, carried[name])
        carried = carried.set_column(place, carried.schema.field(place), values)
    return carried


def _report(
    joined: Joined, joined_rows: int, tables: DuplicateTables, changes: Changes, calibrated: bool
) -> RunReport:
    pairs, keepers = tables.pairs, tables.groups.filter(tables.groups["keeper"])
    decisions, tiers = Counter(pairs["decision"].to_pylist()), Counter(keepers["tier"].to_pylist())
    duplicates = pairs.filter(pc.equal(pairs["decision"], Decision.DUPLICATE.value))
    weakest = duplicates.slice(max(duplicates.num_rows - WEAKEST, 0)).select(WeakPair.__slots__).to_pylist()
    return RunReport(
        rows=joined.rows,
        joined=joined_rows,
        compared=joined.compared,
        pairs={decision.value: decisions[decision] for decision in PUBLISHED},
        groups={tier.value: tiers[tier] for tier in Tier},
        listings=tables.groups.num_rows,
        changes={name: len(values) for name, values in asdict(changes).items()},
        weakest=tuple(WeakPair(**pair) for pair in reversed(weakest)),
        calibrated=calibrated,
    )


def _describe(engine: Engine, config: RunConfig) -> dict[str, Any]:
    """What `run.json` says of a run, but for its report."""
    return {
        "format": FORMAT,
        "index": str(engine.folder.resolve()),
        "version": engine.summary.version,
        "settings": config.describe(engine),
        "new": config.new,
        "groups": asdict(config.groups),
    }


def _write(out: Path, tables: DuplicateTables, changes: Changes, described: Mapping[str, Any]) -> None:
    """Writes `run.json` last: a folder that has it is complete."""
    for stale in (RUN, REPORT):
        (out / stale).unlink(missing_ok=True)
    _write_table(out / PAIRS, tables.pairs)
    _write_table(out / GROUPS, tables.groups)
    write_groups_csv(out / SPREADSHEET, tables.groups, tables.listings)
    _write_json(out / CHANGES, asdict(changes))
    _write_json(out / RUN, described)


def _write_table(path: Path, table: pa.Table) -> None:
    with replacing(path) as temporary:
        pq.write_table(table, temporary, write_page_checksum=True)


def _write_json(path: Path, value: Any) -> None:
    replace_file(path, json.dumps(value, indent=1, ensure_ascii=False).encode())
