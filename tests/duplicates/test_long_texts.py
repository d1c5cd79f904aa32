"""Descriptions as evidence: graded by the words they share, rare ones weighing more."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
from support.indexes_of_listings import build, listing, opened

from itemsearch.duplicates.pairs.columns import CarriedColumns
from itemsearch.duplicates.pairs.join import JoinConfig, join
from itemsearch.duplicates.pairs.learn import learn
from itemsearch.duplicates.pairs.long_texts import LEVELS, LongTexts, is_long
from itemsearch.search.filter import Filter

PLAIN = "free shipping to all countries within three working days"


def described(number: int, seller: str) -> str:
    """What two sellers say of a product: half of it is about the product, the rest is the seller's."""
    rng = np.random.default_rng(number)
    own = " ".join(f"fact{word}" for word in rng.integers(0, 4000, 12))
    return f"{own} {PLAIN if seller == 'a' else 'order now and save'}"


def test_equal_words_in_any_order_are_the_highest_level() -> None:
    texts = LongTexts.of(["Oak table, round", "round OAK table", "steel lamp", "", "oak lamp"])
    a = np.array([0, 0, 0, 2, 1])
    assert texts.levels(a, np.array([1, 2, 3, 4, 0])).tolist() == [len(LEVELS), 0, -1, 3, len(LEVELS)]
    assert texts.levels(np.empty(0, np.int64), np.empty(0, np.int64)).tolist() == []
    assert LongTexts.of(["", ""]).levels(np.array([0]), np.array([1])).tolist() == [-1]


def test_a_rare_word_weighs_more_than_a_usual_one() -> None:
    usual = [f"{PLAIN} thing{number}" for number in range(50)]
    texts = LongTexts.of([*usual, "walnut inlay and brass legs", "brass legs walnut inlay here"])
    rare = texts.levels(np.array([50]), np.array([51]))
    assert rare[0] == len(LEVELS)
    many = LongTexts.of([*(f"days {number} {number + 500} {number + 900}" for number in range(50))])
    assert many.levels(np.array([0]), np.array([1])).tolist() == [0]


def test_a_column_is_long_by_its_usual_cell() -> None:
    assert is_long(["", PLAIN, PLAIN])
    assert not is_long(["Nike", "adidas originals", ""])
    assert not is_long(["", ""])


def test_description_is_taken_by_its_name_and_short_ones_are_compared_whole() -> None:
    long = pa.table({"id": ["1", "2", "3"], "Description": [f"{PLAIN} one", f"{PLAIN} one", None]})
    columns = CarriedColumns.of(long, (), ())
    assert columns.names() == ("Description",)
    a = np.array([0, 0])
    assert columns.levels(a, np.array([1, 2])).tolist() == [[len(LEVELS)], [-1]]
    short = pa.table({"id": ["1", "2", "3"], "description": ["red mug", "Red Mug", "red cup"]})
    levels = CarriedColumns.of(short, (), ()).levels(a, np.array([1, 2]))
    assert levels.tolist() == [[2], [1]]


def test_descriptions_tell_apart_what_titles_do_not(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    made = []
    for number in range(120):
        family = np.eye(16)[number // 8] + 0.15 * rng.standard_normal(16)
        for seller in "ab":
            vector = family + 0.1 * rng.standard_normal(16)
            vector = (vector / np.linalg.norm(vector)).astype(np.float32)
            made.append(
                listing(
                    f"{seller}{number}",
                    f"lamp of family {number // 8}",
                    vector,
                    seller=seller,
                    description=described(number, seller),
                )
            )
    ids = np.array([each["id"][1:] for each in made])
    error = {}
    for name, listings in {
        "with": made,
        "without": [{k: v for k, v in each.items() if k != "description"} for each in made],
    }.items():
        engine = opened(build(tmp_path / name, listings))
        joined = join(
            engine, JoinConfig(filter=Filter(other="seller")), tmp_path / f"{name}-parts", lambda *_: None
        )
        sure = learn(joined, across=True).probability
        same = ids[joined.pairs["row_a"].to_numpy()] == ids[joined.pairs["row_b"].to_numpy()]
        error[name] = float(np.abs(sure - same).sum())
    assert error["with"] < 0.7 * error["without"]
