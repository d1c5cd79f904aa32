from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from support.indexes_of_listings import straight

from itemsearch.duplicates.pairs.decide import LEAST_LOGIT, decide, margins, may_pass
from itemsearch.duplicates.types import EVIDENCE_SCHEMA, ROWS_SCHEMA
from itemsearch.probability.thresholds import PROBABILITY, UNCALIBRATED, Threshold, Thresholds


def pairs(*rows: dict[str, Any]) -> pa.Table:
    base = {"joint": 0.5, "same_image": False, "words_a": [], "words_b": [], "conflicts": []}
    schema = pa.schema([*ROWS_SCHEMA, *EVIDENCE_SCHEMA])
    named = [{"id_a": f"p{row['row_a']}", "id_b": f"p{row['row_b']}", **base, **row} for row in rows]
    return pa.Table.from_pylist(named, schema)


def test_any_threshold_that_is_reached_is_enough() -> None:
    table = pairs(
        {"row_a": 0, "row_b": 1, "score": 0.9995},
        {"row_a": 0, "row_b": 2, "score": 0.2, "joint": 0.99},
        {"row_a": 0, "row_b": 3, "score": 0.2, "image_similarity": 0.99},
        {"row_a": 0, "row_b": 4, "score": 0.2},
        {"row_a": 0, "row_b": 5, "score": 0.9995, "conflicts": ["size: 500 ml / 1 l"]},
        {"row_a": 0, "row_b": 6, "score": 0.2, "conflicts": ["size: 500 ml / 1 l"]},
    )
    found = decide(table, UNCALIBRATED)
    expected = ["duplicate", "duplicate", "review", "different", "variant", "different"]
    assert found["decision"].to_pylist() == expected
    reasons = found["reason"].to_pylist()
    assert reasons[1] == "joint 0.99 reaches 0.98, enough for a duplicate"
    assert reasons[2] == "image similarity 0.99 reaches 0.98, enough for a review"
    assert reasons[3] == "score 0.2 is below 0.95, and no other evidence is enough"
    assert reasons[4] == "alike, but size: 500 ml / 1 l"
    assert may_pass(table, UNCALIBRATED).tolist() == [True, True, True, False, True, False]


def test_what_a_person_rejected_stays_rejected() -> None:
    table = pairs({"row_a": 0, "row_b": 1, "score": 0.9999}, {"row_a": 1, "row_b": 2, "score": 0.1})
    found = decide(table, Thresholds.of_score(0.5), {("p1", "p0"), ("p1", "p2")})
    assert found["decision"].to_pylist() == ["rejected", "rejected"]
    again = decide(found, Thresholds.of_score(0.5))
    assert again["decision"].to_pylist() == ["duplicate", "different"]


def slow_margin(table: pa.Table, place: int) -> float:
    rows = table.to_pylist()

    def logit(row: dict[str, Any]) -> float:
        return float(np.log(row["score"] / (1 - row["score"])))

    own = rows[place]
    rivals = [
        logit(row)
        for other, row in enumerate(rows)
        if other != place
        and {row["row_a"], row["row_b"]} & {own["row_a"], own["row_b"]}
        and not row["conflicts"]
        and row["joint"] < 0.999999
    ]
    return logit(own) - max([LEAST_LOGIT, *rivals])


def test_margins_are_those_of_the_slow_way() -> None:
    rng = np.random.default_rng(0)
    keys = [(a, b) for a in range(12) for b in range(a + 1, 12) if rng.random() < 0.4]
    table = pairs(
        *(
            {
                "row_a": a,
                "row_b": b,
                "score": float(rng.choice([0.3, 0.8, rng.uniform(0.01, 0.99)])),
                "joint": float(rng.choice([0.5, 1.0], p=[0.9, 0.1])),
                "conflicts": ["x"] if rng.random() < 0.2 else [],
            }
            for a, b in keys
        )
    )
    slow = [slow_margin(table, place) for place in range(table.num_rows)]
    assert margins(table) == pytest.approx(slow, abs=1e-5)
    assert len(margins(table.slice(0, 0))) == 0


def test_a_probability_weighs_the_margin() -> None:
    learnt = Thresholds((Threshold(PROBABILITY, 0.9, 0.6),), straight(margin=1.0))
    table = pairs(
        {"row_a": 0, "row_b": 1, "score": 0.9},
        {"row_a": 2, "row_b": 3, "score": 0.9},
        {"row_a": 2, "row_b": 4, "score": 0.9},
        {"row_a": 5, "row_b": 6, "score": 0.01},
    )
    found = decide(table, learnt)
    assert found["decision"].to_pylist() == ["duplicate", "different", "different", "different"]
    # A run keeps what could pass and what could be a rival of that.
    assert may_pass(table, learnt).tolist() == [True, True, True, False]
