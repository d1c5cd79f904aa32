from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa

from itemsearch.decisions.decided import Decided
from itemsearch.decisions.pair_labels import PairLabel
from itemsearch.duplicates.pairs.decide import NEVER, Thresholds, TierEstimates, decide, decide_again
from itemsearch.duplicates.types import EVIDENCE_SCHEMA, ROWS_SCHEMA


def pairs(*rows: dict[str, Any]) -> pa.Table:
    base = {"score": 0.5, "joint": 0.5, "same_image": False, "words_a": [], "words_b": [], "conflicts": []}
    schema = pa.schema([*ROWS_SCHEMA, *EVIDENCE_SCHEMA, pa.field("probability", pa.float32())])
    named = [{"id_a": f"p{row['row_a']}", "id_b": f"p{row['row_b']}", **base, **row} for row in rows]
    return pa.Table.from_pylist(named, schema)


def test_the_probability_decides_and_a_conflict_makes_a_variant() -> None:
    table = pairs(
        {"row_a": 0, "row_b": 1, "probability": 0.97, "same_image": True},
        {"row_a": 0, "row_b": 2, "probability": 0.9},
        {"row_a": 0, "row_b": 3, "probability": 0.3, "same_identifier": "gtin 04006381333931"},
        {"row_a": 0, "row_b": 4, "probability": 0.1},
        {"row_a": 0, "row_b": 5, "probability": 0.99, "conflicts": ["size: 500 ml / 1 l"]},
        {"row_a": 0, "row_b": 6, "probability": 0.1, "conflicts": ["size: 500 ml / 1 l"]},
        {"row_a": 0, "row_b": 7, "probability": 0.97, "doubt": "one picture under two numbers"},
    )
    decided = decide(table, Thresholds(0.9))
    expected = ["duplicate", "duplicate", "review", "different", "variant", "different", "review"]
    assert decided["decision"].to_pylist() == expected
    reasons = decided["reason"].to_pylist()
    assert reasons[0] == "probability 0.970, a duplicate from 0.900; the pictures are the same"
    assert reasons[2] == "probability 0.300, to review from 0.250; gtin 04006381333931 is of both"
    assert reasons[3] == "probability 0.100 is below 0.250"
    assert reasons[6] == "probability 0.970, to review from 0.250; one picture under two numbers"
    assert reasons[4] == "probability 0.990: alike, but size: 500 ml / 1 l"


def test_what_people_decided_stays_decided_until_they_take_it_back() -> None:
    table = pairs(
        {"row_a": 0, "row_b": 1, "probability": 0.99},
        {"row_a": 1, "row_b": 2, "probability": 0.1},
        {"row_a": 3, "row_b": 4, "probability": 0.3, "conflicts": ["size: 500 ml / 1 l"]},
        {"row_a": 3, "row_b": 5, "probability": None},
        {"row_a": 4, "row_b": 5, "probability": 0.9},
    )
    said = [("p0", "p1", False), ("p1", "p2", False), ("p3", "p4", True), ("p3", "p5", True)]
    people = Decided.of([PairLabel(a, b, same, "", "") for a, b, same in said])
    decided = decide(table, Thresholds(0.5), people)
    assert decided["decision"].to_pylist() == ["rejected"] * 2 + ["confirmed"] * 3
    assert decided["reason"].to_pylist()[4] == "by what people decided on other pairs they are one product"
    assert decide_again(decided, Thresholds(0.5), people).equals(decided)
    again = decide_again(decided, Thresholds(0.5))
    assert again["decision"].to_pylist() == ["duplicate", "variant", "duplicate"]
    assert again["id_a"].to_pylist() == ["p0", "p3", "p4"]


def test_the_threshold_keeps_a_precision_and_is_never_below_a_half() -> None:
    probability = np.array([0.99, 0.99, 0.9, 0.9, 0.2])
    nothing = np.zeros(5, bool)
    assert Thresholds.keeping(0.98, probability, nothing).automatic == 0.99
    assert Thresholds.keeping(0.94, probability, nothing).automatic == 0.9
    assert Thresholds.keeping(0.5, probability, nothing).automatic == 0.5
    assert Thresholds.keeping(0.999, probability, nothing).automatic == NEVER
    assert Thresholds.keeping(0.9, np.empty(0), np.empty(0, bool)).automatic == NEVER


def test_pairs_with_conflicts_are_in_no_tier() -> None:
    probability = np.array([0.99, 0.99, 0.3, 0.99])
    measured = pa.table({"conflict": [False, True, False, False], "doubt": [None, None, None, "doubt"]})
    estimates = TierEstimates.of(probability, measured, Thresholds(0.9), labels=0)
    assert (estimates.automatic.pairs, estimates.with_review.pairs) == (1, 3)
    assert estimates.automatic.precision.value == 0.99
    assert estimates.automatic.precision.low < 0.99 < estimates.automatic.precision.high
