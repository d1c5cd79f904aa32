"""Joins an index with itself: every pair of listings that may be one product, once, with its evidence.

The join writes a part for each block of listings (their neighbours), then a part for each block of pairs
(their evidence), so that a killed run continues after its last part. Every compared pair is kept, as numbers
alone: about 50 bytes each, which stay in the files and are mapped.
"""

from __future__ import annotations

import hashlib
import json
import shutil
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from itemsearch.duplicates.pairs.candidates import DEFAULT_CANDIDATES, CandidateConfig, Candidates, blocks
from itemsearch.duplicates.pairs.columns import CarriedColumns
from itemsearch.duplicates.pairs.evidence import PairEvidence
from itemsearch.duplicates.pairs.variants import EVERY_RULE, VariantRules
from itemsearch.indexes.arrays import Mask, Rows, unique
from itemsearch.indexes.durable import replacing
from itemsearch.indexes.progress import Progress
from itemsearch.search.engine import Engine
from itemsearch.search.filter import NO_FILTER, Filter

QUERY_LISTINGS = 4096
MEASURED_PAIRS = 65_536
FORMAT = 4
"""Of the parts; raised when older ones can no longer be read."""
SETTINGS = "settings.json"

"""Called with the name of a step, how much of it is done, and of how much."""


@dataclass(frozen=True, slots=True)
class JoinConfig:
    """Which pairs are joined.

    filter: of listings and pairs. identifiers, compared: columns that are evidence beside those that
    `CarriedColumns` takes by their names.
    """

    filter: Filter = NO_FILTER
    candidates: CandidateConfig = DEFAULT_CANDIDATES
    variant_rules: VariantRules = EVERY_RULE
    identifiers: tuple[str, ...] = ()
    compared: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Joined:
    """The result of a join.

    pairs: what `PairEvidence.measure` returns, of every compared pair, in order of the ids. evidence: to
    describe some of them. rows: (R,) the listings that pass the filter. representatives: (R,) for each of
    these, the row of the identical listing that is compared in its place.
    """

    pairs: pa.Table
    evidence: PairEvidence
    rows: Rows
    representatives: Rows


def join(
    engine: Engine,
    config: JoinConfig,
    folder: Path,
    progress: Progress,
    changed: Mask | None = None,
) -> Joined:
    """Joins an index with itself.

    Args:
        folder: of the parts; the caller removes it after use of the result.
        changed: (N,) listings; every pair has at least one of them. None: all listings.

    Raises:
        UsageError: a filter or variant rules that do not fit the listings.
    """
    parts = Parts.open(folder, _settings(engine, config, changed))
    narrowing = engine.prepare_filter(config.filter)
    total = engine.listings.num_rows
    evidence = PairEvidence.of(
        engine.listings,
        engine.vectors,
        engine.score_model,
        config.variant_rules,
        CarriedColumns.of(engine.listings, config.identifiers, config.compared),
        lambda done: progress("listings read", done, total),
    )
    candidates = Candidates(engine, narrowing, config.candidates, evidence.attributes.columns, changed)
    keys = _find_candidates(candidates, evidence, parts, progress)
    measured = [evidence.measure(np.empty(0, np.int64), np.empty(0, np.int64))]
    for number, block in enumerate(blocks(keys, MEASURED_PAIRS)):
        path = parts.path(f"pairs-{number:06d}.arrow")
        if not path.exists():
            parts.write_table(path, evidence.measure(*candidates.split(block)))
        measured.append(pa.ipc.open_file(pa.memory_map(str(path))).read_all())
        progress("pairs compared", min((number + 1) * MEASURED_PAIRS, len(keys)), len(keys))
    rows = candidates.rows
    return Joined(pa.concat_tables(measured), evidence.forgetting(), rows, candidates.representative[rows])


def _find_candidates(
    candidates: Candidates, evidence: PairEvidence, parts: Parts, progress: Progress
) -> Rows:
    """(P,) keys of pairs, ascending, each once: pairs of one listing follow each other."""
    keys = [np.empty(0, np.int64)]
    queries = candidates.queries
    for number, block in enumerate(blocks(queries, QUERY_LISTINGS)):
        path = parts.path(f"near-{number:06d}.npy")
        if not path.exists():
            parts.write_array(path, candidates.near(block))
        keys.append(np.load(path))
        progress("neighbours found", min((number + 1) * QUERY_LISTINGS, len(queries)), len(queries))
    keys.append(candidates.near_pictures(evidence.image_hashes))
    keys += [candidates.proposed(*column.pairs()) for column in evidence.columns.identifiers]
    between = unique(np.concatenate(keys))
    return unique(np.concatenate([between, candidates.to_representatives(between)]))


def _settings(engine: Engine, config: JoinConfig, changed: Mask | None) -> dict[str, Any]:
    """Everything that the parts depend on."""
    return {
        "format": FORMAT,
        "index": str(engine.folder.resolve()),
        "version": engine.summary.version,
        "created": engine.summary.created,
        "config": asdict(config),
        "changed": None if changed is None else hashlib.sha256(np.packbits(changed).tobytes()).hexdigest(),
    }


@dataclass(frozen=True, slots=True)
class Parts:
    """A folder of the finished parts of a join; each is written under another name, then renamed."""

    folder: Path

    @classmethod
    def open(cls, folder: Path, settings: dict[str, Any]) -> Parts:
        """Keeps the parts that are there where their settings are equal, else removes them."""
        described = json.dumps(settings)
        path = folder / SETTINGS
        if not (path.exists() and path.read_text("utf-8") == described):
            shutil.rmtree(folder, ignore_errors=True)
            folder.mkdir(parents=True)
            path.write_text(described, "utf-8")
        return cls(folder)

    def path(self, name: str) -> Path:
        return self.folder / name

    def write_array(self, path: Path, array: Rows) -> None:
        with replacing(path) as temporary, temporary.open("wb") as file:
            np.save(file, array)

    def write_table(self, path: Path, table: pa.Table) -> None:
        with (
            replacing(path) as temporary,
            pa.OSFile(str(temporary), "wb") as sink,
            pa.ipc.new_file(sink, table.schema) as writer,
        ):
            writer.write_table(table)
