"""The self-join of an index: each pair of listings that may be one product, once, with its evidence.

Work is kept in parts as it is done, so that a run that was killed is gone on with: first the neighbours of
one block of listings after another, then the evidence on one block of pairs after another. Only pairs that
reach some threshold are kept, so memory is bounded by what is found, not by what is compared.
"""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from itemsearch.duplicates.pairs.candidates import BY_DEFAULT, Candidates, Reach, blocks
from itemsearch.duplicates.pairs.evidence import PairEvidence
from itemsearch.duplicates.pairs.variants import EVERY_RULE, VariantRules
from itemsearch.duplicates.types import EVIDENCE_SCHEMA, ROWS_SCHEMA
from itemsearch.indexes.arrays import Mask, Rows
from itemsearch.indexes.durable import replacing
from itemsearch.search.engine import Engine
from itemsearch.search.narrow import ALL_PRODUCTS, Filter

ASKED_LISTINGS = 4096
MEASURED_PAIRS = 65_536
FORMAT = 1
"""Of the parts; raised when older ones can no longer be read."""
SETTINGS = "settings.json"

Wanted = Callable[[pa.Table], Mask]
"""Which of the pairs that `PairEvidence.measure` gave reach a threshold."""


Progress = Callable[[str, int, int], None]
"""Hears a step of a long job, how much of it is done, and of how much."""


@dataclass(frozen=True, slots=True)
class JoinConfig:
    """Which pairs are looked for. key: what `Wanted` depends on; parts made with another are not used."""

    wanted: Filter = ALL_PRODUCTS
    reach: Reach = BY_DEFAULT
    guard: VariantRules = EVERY_RULE
    key: str = ""


@dataclass(frozen=True, slots=True)
class Joined:
    """pairs: `ROWS_SCHEMA` and `EVIDENCE_SCHEMA`, in order of the ids. rows: listings that pass the filter.
    compared: pairs whose evidence was looked at."""

    pairs: pa.Table
    rows: int
    compared: int


def join(
    engine: Engine,
    config: JoinConfig,
    wanted: Wanted,
    folder: Path,
    progress: Progress,
    changed: Mask | None = None,
) -> Joined:
    """The pairs of an index whose evidence is `wanted`.

    Args:
        folder: for the parts; the caller removes it once it has used the result.
        changed: (N,) products; of any pair at least one is among them. None: all.

    Raises:
        UsageError: a filter or a guard that does not fit the products.
    """
    ranker = engine.ranker
    parts = Parts.open(folder, _settings(engine, config, changed))
    narrowing = engine.narrow(config.wanted)
    total = ranker.listings.num_rows
    evidence = PairEvidence.of(
        ranker.listings,
        ranker.index.vectors,
        ranker.judgement,
        config.guard,
        lambda done: progress("listings read", done, total),
    )
    candidates = Candidates(ranker, narrowing, config.reach, evidence.attributes.columns, changed)
    keys = _find_candidates(candidates, evidence, parts, progress)
    found = [pa.schema([*ROWS_SCHEMA, *EVIDENCE_SCHEMA]).empty_table()]
    for number, block in enumerate(blocks(keys, MEASURED_PAIRS)):
        path = parts.path(f"pairs-{number:06d}.parquet")
        if not path.exists():
            measured = evidence.measure(*candidates.split(block))
            parts.write_table(path, evidence.describe(measured.filter(pa.array(wanted(measured)))))
        found.append(pq.read_table(path, memory_map=True, page_checksum_verification=True))
        progress("pairs compared", min((number + 1) * MEASURED_PAIRS, len(keys)), len(keys))
    return Joined(pa.concat_tables(found), len(candidates.rows), len(keys))


def _find_candidates(
    candidates: Candidates, evidence: PairEvidence, parts: Parts, progress: Progress
) -> Rows:
    """(P,) keys, ascending, each once: so pairs of one listing are together."""
    found = [np.empty(0, np.int64)]
    asked = candidates.asked
    for number, block in enumerate(blocks(asked, ASKED_LISTINGS)):
        path = parts.path(f"near-{number:06d}.npy")
        if not path.exists():
            parts.write_array(path, candidates.near(block))
        found.append(np.load(path))
        progress("neighbours found", min((number + 1) * ASKED_LISTINGS, len(asked)), len(asked))
    found.append(candidates.alike(evidence.image_hashes))
    between = np.unique(np.concatenate(found))
    return np.unique(np.concatenate([between, candidates.same(between)]))


def _settings(engine: Engine, config: JoinConfig, changed: Mask | None) -> dict[str, Any]:
    """What the parts depend on."""
    return {
        "format": FORMAT,
        "index": str(engine.folder.resolve()),
        "version": engine.summary.version,
        "created": engine.summary.created,
        "config": repr(config),
        "changed": None if changed is None else hashlib.sha256(np.packbits(changed).tobytes()).hexdigest(),
    }


@dataclass(frozen=True, slots=True)
class Parts:
    """A folder of finished parts of one job; each is written under another name, then renamed."""

    folder: Path

    @classmethod
    def open(cls, folder: Path, settings: dict[str, Any]) -> Parts:
        """Goes on with what is there, or begins anew where that is of other settings."""
        described = json.dumps(settings)
        held = folder / SETTINGS
        if not (held.exists() and held.read_text("utf-8") == described):
            shutil.rmtree(folder, ignore_errors=True)
            folder.mkdir(parents=True)
            held.write_text(described, "utf-8")
        return cls(folder)

    def path(self, name: str) -> Path:
        return self.folder / name

    def write_array(self, path: Path, array: Rows) -> None:
        with replacing(path) as temporary, temporary.open("wb") as file:
            np.save(file, array)

    def write_table(self, path: Path, table: pa.Table) -> None:
        with replacing(path) as temporary:
            pq.write_table(table, temporary, write_page_checksum=True)
