"""A folder as `itemsearch duplicates` writes it, over an index of the session."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from itemsearch.decisions.of_index import current_labels
from itemsearch.duplicates.groups.form import DEFAULT_GROUPS
from itemsearch.duplicates.pairs.decide import Thresholds
from itemsearch.duplicates.run_folder import FORMAT
from itemsearch.duplicates.types import GROUPS_SCHEMA, PAIRS_SCHEMA
from itemsearch.search.engine import Engine


def a_pair(a: str, b: str, decision: str = "duplicate", **evidence: Any) -> dict[str, Any]:
    plain = {
        "score": 0.99,
        "joint": 0.9,
        "title_similarity": 0.8,
        "image_similarity": 0.9,
        "same_image": False,
        "image_hash_distance": 9,
        "words_a": ["Red"],
        "words_b": ["Green"],
        "conflicts": [],
        "same_identifier": None,
        "doubt": None,
        "probability": 0.99,
        "reason": "probability 0.990, a duplicate from 0.900",
    }
    return {"id_a": a, "id_b": b, "decision": decision, **plain, **evidence}


def a_group(
    id: str, ids: Sequence[str], tier: str = "review", flag: str | None = None
) -> list[dict[str, Any]]:
    return [
        {
            "group_id": id,
            "id": own,
            "keeper": own == ids[0],
            "tier": tier,
            "probability": 0.9,
            "group_probability": 0.9,
            "flag": flag,
        }
        for own in ids
    ]


def tables(
    pairs: Sequence[Mapping[str, Any]], groups: Sequence[list[dict[str, Any]]]
) -> tuple[pa.Table, pa.Table]:
    rows = [row for group in groups for row in group]
    return pa.Table.from_pylist(list(pairs), PAIRS_SCHEMA), pa.Table.from_pylist(rows, GROUPS_SCHEMA)


def write_run_folder(
    folder: Path, index: Path, pairs: Sequence[Mapping[str, Any]], groups: Sequence[list[dict[str, Any]]]
) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    for name, table in zip(("pairs", "groups"), tables(pairs, groups), strict=True):
        pq.write_table(table, folder / f"{name}.parquet")
    described = {"thresholds": asdict(Thresholds(0.9)), "groups": asdict(DEFAULT_GROUPS)}
    run = {"format": FORMAT, "index": str(index), **described}
    (folder / "run.json").write_text(json.dumps(run))
    return folder


def rejected_pairs(engine: Engine) -> set[tuple[str, str]]:
    return {(label.id_a, label.id_b) for label in current_labels(engine) if not label.same}
