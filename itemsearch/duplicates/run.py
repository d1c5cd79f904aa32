"""Finds the duplicates of an index: joins, decides and groups pairs of listings, and writes the tables."""

from __future__ import annotations

import json
import os
import shutil
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from itemsearch.decisions.of_index import current_decisions
from itemsearch.decode import decode
from itemsearch.duplicates.groups.form import DEFAULT_GROUPS, GroupSettings, group
from itemsearch.duplicates.groups.history import name_groups, read_groups
from itemsearch.duplicates.groups.keeper import rank_keepers
from itemsearch.duplicates.groups.unaided import checked_tiers, unaided_groups
from itemsearch.duplicates.pairs.by_people import confirmed_beside, decided_among
from itemsearch.duplicates.pairs.decide import (
    MIN_PRECISION,
    REVIEW,
    Thresholds,
    decide,
    decide_again,
    held_back,
)
from itemsearch.duplicates.pairs.join import JoinConfig, Joined, join
from itemsearch.duplicates.pairs.learn import PairProbabilities, learn
from itemsearch.duplicates.pairs.since import carried_pairs, changed_since
from itemsearch.duplicates.report_of_run import report_of
from itemsearch.duplicates.run_folder import (
    FORMAT,
    GROUPS,
    DuplicateTables,
    RunReport,
    read_run,
)
from itemsearch.duplicates.types import GROUPS_SCHEMA, PAIRS_SCHEMA, ROWS_SCHEMA
from itemsearch.duplicates.write_run import write_run
from itemsearch.errors import UsageError
from itemsearch.indexes.arrays import Mask
from itemsearch.indexes.progress import Progress
from itemsearch.probability.model import Curve, Model
from itemsearch.search.engine import Engine

JOIN = "join"
"""The folder of unfinished work, inside the run folder; removed at the end of a run."""
LEAST_RIVAL = 0.05
"""The score from which on a changed listing's partner has its other pairs compared too: its rivals."""


@dataclass(frozen=True, slots=True)
class RunConfig:
    """How duplicates are found.

    min_precision: the share of right pairs that the duplicates are to keep. min_probability: the threshold of
    the duplicates instead; None to choose it. curve: of a calibration; None to rely on the catalog alone.
    new: as `since` of `changed_since`, to join only new or changed listings; "" for all. since: the folder of
    an earlier run to compare groups with; None for the folder that is written.
    """

    join: JoinConfig = field(default_factory=JoinConfig)
    min_precision: float = MIN_PRECISION
    min_probability: float | None = None
    curve: Curve | None = None
    groups: GroupSettings = DEFAULT_GROUPS
    new: str = ""
    since: Path | None = None

    def describe(self, engine: Engine) -> dict[str, Any]:
        """Everything that pairs depend on but the listings, as JSON stores it: pairs of two runs can be put
        together where their descriptions are equal."""
        model = engine.summary.model.fingerprint if engine.summary.model else None
        settings = {
            "model": model,
            "join": asdict(self.join),
            "min_precision": self.min_precision,
            "min_probability": self.min_probability,
            "curve": self.curve and asdict(self.curve),
        }
        described: dict[str, Any] = json.loads(json.dumps(settings))
        return described


def calibrated_curve(engine: Engine, across: bool) -> Curve | None:
    """The curve of the index's calibration; None without one, or where it is of the other kind of pairs.

    Args:
        across: whether the listings of a pair have to differ in a column.

    Raises:
        IndexFolderError: the calibration is damaged.
    """
    calibration = engine.summary.calibration
    if calibration is None or bool(calibration.other) != across:
        return None
    return calibration.curve


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
    decided = current_decisions(engine)
    labels = list(decided.labels.values())
    carried = _carried(engine, config, changed)
    joined, learnt = judge_pairs(engine, out, config, progress, changed)
    thresholds = _thresholds(learnt, joined, config)
    same, known = decided_among(joined, decided)
    own = _kept(joined, learnt, thresholds.review, changed, same)
    kept = pa.concat_tables([decide(own, thresholds, decided), decide_again(carried, thresholds, decided)])
    beside = confirmed_beside(kept, joined, decided, _passing(engine, config))
    if changed is not None and config.new.isdecimal():
        beside = beside.filter(pa.array(_has_changed(beside, changed)))
    kept = pa.concat_tables([kept, decide(beside, thresholds, decided)])
    progress("forming groups")
    groups = group(kept, engine.listings, config.groups, decided)
    groups, changes = name_groups(groups, earlier)
    pairs = kept.sort_by([("probability", "descending"), ("id_a", "ascending"), ("id_b", "ascending")])
    tables = DuplicateTables(engine.listings, pairs.select(PAIRS_SCHEMA.names), groups)
    joined_rows = len(joined.rows) if changed is None else int(changed[joined.rows].sum())
    report = report_of(joined, learnt, thresholds, tables, changes, known)
    if any(label.drawn for label in labels):
        checked = checked_tiers(unaided_groups(tables, config.groups, thresholds), labels)
        report = replace(report, estimates=replace(report.estimates, checked=checked))
    report = replace(report, joined=joined_rows)
    learnt_model = {"model": asdict(learnt.model), "thresholds": asdict(thresholds)}
    write_run(
        out, tables, changes, {**_describe(engine, config, out), **learnt_model, "report": asdict(report)}
    )
    shutil.rmtree(out / JOIN)
    return report


def judge_pairs(
    engine: Engine, out: Path, config: RunConfig, progress: Progress, changed: Mask | None = None
) -> tuple[Joined, PairProbabilities]:
    """Every compared pair and its probability, as `find_duplicates` has them before it decides.

    The parts of the join stay in `out`/join, from where a `find_duplicates` of the same join goes on.

    Args:
        changed: (N,) the listings to join; None: all.

    Raises:
        UsageError: a filter, variant rule or earlier run that does not fit.
    """
    joined = _join(engine, out, config, progress, changed)
    progress("learning probabilities")
    return joined, learn(joined, bool(config.join.filter.other), _earlier_model(config), config.curve)


def _earlier_groups(out: Path, config: RunConfig) -> pa.Table:
    """The groups of the run to compare with; an empty table where `out` is new."""
    path = (config.since or out) / GROUPS
    if config.since is None and not path.exists():
        return GROUPS_SCHEMA.empty_table()
    return read_groups(path)


def _join(engine: Engine, out: Path, config: RunConfig, progress: Progress, changed: Mask | None) -> Joined:
    """All compared pairs; of changed listings also the other pairs of their partners, which are rivals."""
    joined = join(engine, config.join, out / JOIN / "pairs", progress, changed)
    if changed is None:
        return joined
    partners = changed.copy()
    strong = joined.pairs.filter(pc.greater_equal(joined.pairs["score"], LEAST_RIVAL))
    partners[strong["row_a"].to_numpy()] = partners[strong["row_b"].to_numpy()] = True
    return join(engine, config.join, out / JOIN / "rivals", progress, partners)


def _earlier_model(config: RunConfig) -> Model | None:
    """What the run in the folder `config.new` learnt; None to learn anew.

    Raises:
        UsageError: the folder's model cannot be read.
    """
    if not config.new or config.new.isdecimal():
        return None
    try:
        return decode(Model, read_run(Path(config.new))["model"])
    except (OSError, KeyError, ValueError) as error:
        raise UsageError(
            f"{config.new}: no finished run to go on from ({error}); run without --new"
        ) from error


def _thresholds(learnt: PairProbabilities, joined: Joined, config: RunConfig) -> Thresholds:
    if config.min_probability is not None:
        return Thresholds(config.min_probability, min(REVIEW, config.min_probability))
    return Thresholds.keeping(config.min_precision, learnt.probability, held_back(joined.pairs))


def _kept(
    joined: Joined, learnt: PairProbabilities, review: float, changed: Mask | None, same: Mask
) -> pa.Table:
    """The compared pairs that may be part of the result: `ROWS_SCHEMA`, `EVIDENCE_SCHEMA`, probability."""
    kept = (learnt.probability >= review) | same
    if changed is not None:
        kept &= _has_changed(joined.pairs, changed)
    described = joined.evidence.describe(joined.pairs.filter(pa.array(kept)))
    return described.append_column("probability", pa.array(learnt.probability[kept], pa.float32()))


def _has_changed(pairs: pa.Table, changed: Mask) -> Mask:
    """(P,) whether a listing of each pair is among `changed` (N,)."""
    has: Mask = changed[pairs["row_a"].to_numpy()] | changed[pairs["row_b"].to_numpy()]
    return has


def _passing(engine: Engine, config: RunConfig) -> Mask:
    """(N,) the listings that pass the filter."""
    passing = np.zeros(engine.listings.num_rows, bool)
    passing[engine.prepare_filter(config.join.filter).rows(len(passing))] = True
    return passing


def _carried(engine: Engine, config: RunConfig, changed: Mask | None) -> pa.Table:
    """The pairs of unchanged listings from the run folder `config.new`. Empty where `config.new` is the
    number of a version, which has no pairs."""
    if changed is None or config.new.isdecimal():
        return pa.schema([*ROWS_SCHEMA, *PAIRS_SCHEMA]).empty_table()
    gone = ~_passing(engine, config)
    return carried_pairs(engine, Path(config.new), gone | changed, config.describe(engine))


def _describe(engine: Engine, config: RunConfig, out: Path) -> dict[str, Any]:
    """What `run.json` says of a run, but for its report."""

    def seen_from_out(path: Path) -> str:
        return os.path.relpath(path.resolve(), out.resolve())

    return {
        "format": FORMAT,
        "index": seen_from_out(engine.folder),
        "version": engine.summary.version,
        "settings": config.describe(engine),
        "new": seen_from_out(Path(config.new)) if config.new and not config.new.isdecimal() else config.new,
        "groups": asdict(config.groups),
    }
