from __future__ import annotations

import random

import pytest

from itemsearch.catalog.exports.folding import Links, Merging, fold_children, fold_runs
from itemsearch.catalog.formats.tables import TextRecord

MERGING = Merging(pictures=("picture",), joined=("sku",))


def records(*rows):
    """Records of (id, sku, picture, title); the line of each is its place."""
    names = ("id", "sku", "picture", "title")
    return [TextRecord(line, dict(zip(names, row, strict=True))) for line, row in enumerate(rows, 2)]


def same_id(listing, row):
    return listing["id"] == row["id"]


def test_a_run_becomes_its_first_record():
    rows = records(("a", "1", "x.jpg", "Mug"), ("a", "2", "y.jpg", ""), ("b", "3", "z.jpg", "Cup"))
    first, second = fold_runs(lambda: iter(rows), same_id, MERGING)()
    assert (first.line, first.continued, second.continued) == (2, 1, 0)
    assert first.cells == {"id": "a", "sku": "1, 2", "picture": '["x.jpg", "y.jpg"]', "title": "Mug"}
    assert second == rows[2]


def test_equal_cells_are_not_repeated():
    rows = records(("a", "1", "x.jpg", ""), ("a", "1", "x.jpg", "Mug"))
    (merged,) = fold_runs(lambda: iter(rows), same_id, MERGING)()
    assert merged.cells == {"id": "a", "sku": "1", "picture": "x.jpg", "title": "Mug"}


def test_a_malformed_record_stays_apart():
    rows = records(("a", "1", "", "Mug"), ("a", "2", "", ""))
    broken = TextRecord(9, {}, "2 cells where the header has 4")
    folded = list(fold_runs(lambda: iter([rows[0], broken, rows[1]]), same_id, MERGING)())
    assert sorted(record.line for record in folded) == [2, 9]
    assert sum(record.continued for record in folded) == 1


def by_parent(cells):
    """The title of a child is "of " and the id of its listing."""
    title = cells["title"]
    return Links((cells["id"],), title[3:] if title.startswith("of ") else "")


def test_children_before_and_after_their_listing():
    rows = records(
        ("c", "1", "", "of a"), ("a", "2", "", "Mug"), ("d", "3", "", "of a"), ("b", "4", "", "Cup")
    )
    folded = list(fold_children(lambda: iter(rows), by_parent, MERGING)())
    assert [(record.cells["id"], record.cells["sku"]) for record in folded] == [("a", "2, 1, 3"), ("b", "4")]


def test_a_child_without_its_listing_is_a_listing():
    rows = records(("c", "1", "", "of nobody"))
    assert list(fold_children(lambda: iter(rows), by_parent, MERGING)()) == rows


def test_a_listing_can_name_its_children():
    rows = records(("c", "1", "", "Red"), ("a", "2", "", "Mug"))

    def links(cells):
        return Links((cells["id"],), children=("c", "none") if cells["id"] == "a" else ())

    (folded,) = fold_children(lambda: iter(rows), links, MERGING)()
    assert (folded.cells["id"], folded.continued) == ("a", 1)


@pytest.mark.parametrize("seed", range(20))
def test_no_record_is_lost(seed):
    chance = random.Random(seed)
    ids = [f"id{number}" for number in range(12)]
    rows = records(*((id, id, "", chance.choice(["", *(f"of {other}" for other in ids)])) for id in ids))
    folded = list(fold_children(lambda: iter(rows), by_parent, MERGING)())
    assert sum(1 + record.continued for record in folded) == len(rows)
    skus = [sku for record in folded for sku in record.cells["sku"].split(", ")]
    assert sorted(skus) == sorted(ids)
