"""From an index to a folder of pairs and groups that people look at: join, decide, group, write."""

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

from itemsearch.decisions.log import rejected_pairs
from itemsearch.duplicates.groups.form import BY_DEFAULT as GROUPS_BY_DEFAULT
from itemsearch.duplicates.groups.form import GroupSettings, group
from itemsearch.duplicates.groups.groups_csv import write_groups_csv
from itemsearch.duplicates.groups.history import Changes, name_groups, read_groups
from itemsearch.duplicates.groups.keeper import rank_keepers
from itemsearch.duplicates.pairs.decide import REJECTED_REASON, decide, may_pass
from itemsearch.duplicates.pairs.join import JoinConfig, Joined, Progress, join
from itemsearch.duplicates.pairs.since import PAIRS, RUN, carried_pairs, changed_since
from itemsearch.duplicates.types import GROUPS_SCHEMA, PAIRS_SCHEMA, ROWS_SCHEMA, Decision, Tier
from itemsearch.indexes.arrays import Mask
from itemsearch.indexes.durable import replace_file, replacing
from itemsearch.probability.thresholds import Thresholds
from itemsearch.search.engine import Engine

JOIN = "join"
"""In the folder, while a run is not finished."""
GROUPS, SPREADSHEET, CHANGES = "groups.parquet", "groups.csv", "changes.json"
REPORT = "report.html"
"""Made from the folder by `itemsearch.review.page`; removed here before the tables change."""
WEAKEST = 5
PUBLISHED = (Decision.DUPLICATE, Decision.REVIEW, Decision.VARIANT, Decision.REJECTED)


@dataclass(frozen=True, slots=True)
class RunConfig:
    """How duplicates are found.

    calibrated: whether the thresholds were learnt from labels. new: as in `changed_since`; "" for every
    product. since: a folder of an earlier run to compare groups with; None for the one that is written.
    """

    join: JoinConfig
    thresholds: Thresholds
    calibrated: bool
    groups: GroupSettings = GROUPS_BY_DEFAULT
    new: str = ""
    since: Path | None = None

    def describe(self, engine: Engine) -> str:
        """All that pairs depend on but the products: runs of equal descriptions can be put together."""
        model = engine.summary.model.fingerprint if engine.summary.model else None
        return json.dumps([model, repr(self.join), repr(self.thresholds)])


@dataclass(frozen=True, slots=True)
class Found:
    """pairs, groups: of `PAIRS_SCHEMA` and `GROUPS_SCHEMA`."""

    pairs: pa.Table
    groups: pa.Table


@dataclass(frozen=True, slots=True)
class WeakPair:
    id_a: str
    id_b: str
    score: float
    reason: str


@dataclass(frozen=True, slots=True)
class RunReport:
    """rows: listings that pass the filter. joined: of them, those that were joined: all, or what is new or
    different. compared: pairs whose evidence was looked at. pairs: by decision. groups: by tier. listings: in
    them. changes: how many groups are new, merged, split, gone and changed. weakest: accepted pairs of the
    lowest scores."""

    rows: int
    joined: int
    compared: int
    pairs: Mapping[str, int]
    groups: Mapping[str, int]
    listings: int
    changes: Mapping[str, int]
    weakest: tuple[WeakPair, ...]
    calibrated: bool


def find_duplicates(engine: Engine, out: Path, config: RunConfig, progress: Progress) -> RunReport:
    """Writes `pairs.parquet`, `groups.parquet`, `groups.csv`, `changes.json` and `run.json`.

    A run that was stopped leaves the folder's earlier results as they were and its own work in `join/`; the
    same run goes on from there.

    Raises:
        UsageError: a filter, guard, keeper or earlier run that does not fit.
        IndexFolderError: the version named by `new` is no more.
    """
    # A keeper that cannot be is told before the join, which may take an hour.
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
    found = Found(pairs.select(PAIRS_SCHEMA.names), groups)
    rows = engine.narrow(config.join.wanted).rows(engine.summary.rows)
    asked = len(rows) if changed is None else int(changed[rows].sum())
    report = _report(joined, asked, found, changes, config)
    _write(engine, out, config, found, changes, report)
    shutil.rmtree(out / JOIN)
    return report


def _earlier_groups(out: Path, config: RunConfig) -> pa.Table:
    """Of the run to compare with; none is there the first time."""
    path = (config.since or out) / GROUPS
    if config.since is None and not path.exists():
        return GROUPS_SCHEMA.empty_table()
    return read_groups(path)


def _join(engine: Engine, out: Path, config: RunConfig, progress: Progress, changed: Mask | None) -> Joined:
    """All pairs that may pass, and the others of their listings, which a probability weighs them against."""

    def wanted(measured: pa.Table) -> Mask:
        return may_pass(measured, config.thresholds)

    settings = replace(config.join, key=repr(config.thresholds))
    joined = join(engine, settings, wanted, out / JOIN / "pairs", progress, changed)
    if changed is None or config.thresholds.weights is None:
        return joined
    partners = changed.copy()
    partners[joined.pairs["row_a"].to_numpy()] = partners[joined.pairs["row_b"].to_numpy()] = True
    return join(engine, settings, wanted, out / JOIN / "rivals", progress, partners)


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
    """The pairs that an earlier folder holds already, decided as they were; a version alone holds none."""
    if changed is None or config.new.isdecimal():
        return pa.schema([*ROWS_SCHEMA, *PAIRS_SCHEMA]).empty_table()
    gone = np.ones(len(changed), bool)
    gone[engine.narrow(config.join.wanted).rows(len(changed))] = False
    carried = carried_pairs(engine, Path(config.new), gone | changed, config.describe(engine))
    ids = zip(carried["id_a"].to_pylist(), carried["id_b"].to_pylist(), strict=True)
    refused = pa.array([pair in rejected for pair in ids], pa.bool_())
    for name, value in (("decision", Decision.REJECTED.value), ("reason", REJECTED_REASON)):
        place = carried.column_names.index(name)
        told = pc.if_else(refused, value, carried[name])
        carried = carried.set_column(place, carried.schema.field(place), told)
    return carried


def _report(joined: Joined, asked: int, found: Found, changes: Changes, config: RunConfig) -> RunReport:
    pairs, keepers = found.pairs, found.groups.filter(found.groups["keeper"])
    decisions, tiers = Counter(pairs["decision"].to_pylist()), Counter(keepers["tier"].to_pylist())
    accepted = pairs.filter(pc.equal(pairs["decision"], Decision.DUPLICATE.value))
    weakest = accepted.slice(max(accepted.num_rows - WEAKEST, 0)).select(WeakPair.__slots__).to_pylist()
    return RunReport(
        rows=joined.rows,
        joined=asked,
        compared=joined.compared,
        pairs={decision.value: decisions[decision] for decision in PUBLISHED},
        groups={tier.value: tiers[tier] for tier in Tier},
        listings=found.groups.num_rows,
        changes={name: len(values) for name, values in asdict(changes).items()},
        weakest=tuple(WeakPair(**pair) for pair in reversed(weakest)),
        calibrated=config.calibrated,
    )


def _write(
    engine: Engine, out: Path, config: RunConfig, found: Found, changes: Changes, report: RunReport
) -> None:
    """`run.json` comes last: where it is there, so is the rest."""
    for stale in (RUN, REPORT):
        (out / stale).unlink(missing_ok=True)
    _write_table(out / PAIRS, found.pairs)
    _write_table(out / GROUPS, found.groups)
    write_groups_csv(out / SPREADSHEET, found.groups, engine.listings)
    _write_json(out / CHANGES, asdict(changes))
    described = {
        "index": str(engine.folder.resolve()),
        "version": engine.summary.version,
        "settings": config.describe(engine),
        "where": config.join.wanted.where,
        "other": config.join.wanted.other,
        "new": config.new,
        "rules": config.join.guard.rules,
        "columns": config.join.guard.columns,
        "thresholds": asdict(config.thresholds),
        "groups": asdict(config.groups),
        "report": asdict(report),
    }
    _write_json(out / RUN, described)


def _write_table(path: Path, table: pa.Table) -> None:
    with replacing(path) as temporary:
        pq.write_table(table, temporary, write_page_checksum=True)


def _write_json(path: Path, value: Any) -> None:
    replace_file(path, json.dumps(value, indent=1, ensure_ascii=False).encode())
