from __future__ import annotations

from itertools import combinations

import numpy as np
import pyarrow as pa
import pytest

from itemsearch.attributes.conflicts import find_conflicts
from itemsearch.duplicates.pairs.conflicting import ConflictFinder
from itemsearch.duplicates.pairs.variants import EVERY_RULE, AttributeReader, VariantRules

THINGS = [
    "mug",
    "shirt",
    "iPhone 13",
    "Galaxy S21",
    "vacuum cleaner",
    "camera",
    "lipstick 225",
    "Boots",
    "bed",
    "",
]
SAID = [
    *(
        "red",
        "blue and red",
        "black",
        "300 ml",
        "0.3 l",
        "500 ml",
        "64GB",
        "128 GB",
        "30 x 40 cm",
        "pack of 3",
    ),
    *("6-pack", "size M", "XXL", "EU 38", "Pro", "Pro Max", "+1.50", "+2.50", "5%", "3rd generation", "2024"),
    *("men", "left", "king", "SM-N950F", "SM-N960F", "N950", "replacement filter", "filter", "body only"),
    *("lavender", "English edition", "II"),
]


def listings(count: int, seed: int) -> pa.Table:
    rng = np.random.default_rng(seed)
    titles = [
        " ".join([rng.choice(THINGS), *rng.choice(SAID, rng.integers(0, 5), replace=False)]).strip()
        for _ in range(count)
    ]
    colours = rng.choice(["red", "blue", ""], count).tolist()
    weights = rng.choice(["1 kg", "1000 g", "2 kg", "heavy", None], count).tolist()
    ids = [f"{row:03d}" for row in range(count)]
    return pa.table({"id": ids, "title": titles, "colour": colours, "weight": weights})


@pytest.mark.parametrize("rules", [EVERY_RULE, VariantRules(columns=("weight",)), VariantRules(("suffix",))])
def test_the_conflicts_of_many_pairs_are_those_of_each(rules: VariantRules) -> None:
    table = listings(100, seed=1)
    reader = AttributeReader.of(rules, table)
    finder = ConflictFinder(reader)
    pairs = np.random.default_rng(2).permutation(np.array(list(combinations(range(100), 2))))
    read = reader.read(pa.chunked_array([np.arange(100)]))
    slow = np.array([bool(find_conflicts(read[a], read[b])) for a, b in pairs.tolist()])
    assert 0 < slow.mean() < 1
    fast = [finder.find(block[:, 0], block[:, 1]) for block in np.array_split(pairs, 7)]
    assert np.array_equal(np.concatenate(fast), slow)
    assert np.array_equal(finder.find(pairs[:, 1], pairs[:, 0]), slow), "whichever comes first"


def test_no_pairs_and_no_titles_have_no_conflict() -> None:
    none = np.empty(0, np.int64)
    finder = ConflictFinder(AttributeReader.of(EVERY_RULE, pa.table({"id": ["a", "b"]})))
    assert finder.find(none, none).tolist() == []
    assert finder.find(np.array([0]), np.array([1])).tolist() == [False]
