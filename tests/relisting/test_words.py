from __future__ import annotations

import re
from collections import defaultdict

import numpy as np
import pytest

from itemsearch.relisting.words import EDIT_NAMES, reword

TITLE = "Norvik Stoneware Mug 350 ml, Sage Green with White Dots"
ATTRIBUTES = {
    "brand": "Norvik",
    "colour": "Sage Green",
    "category": "Mug",
    "size": "350 ml",
    "season": "Summer",
}


def rewordings(title: str, attributes: dict[str, str], edits: int, count: int = 400) -> dict[str, set[str]]:
    """Every new title seen, by the edits that made it."""
    seen: dict[str, set[str]] = defaultdict(set)
    for seed in range(count):
        new, names = reword(title, attributes, np.random.default_rng(seed), edits)
        seen[" ".join(names)].add(new)
    return seen


def test_every_edit_is_made_and_named() -> None:
    seen = rewordings(TITLE, ATTRIBUTES, edits=1)
    assert set(seen) == set(EDIT_NAMES)
    assert all(new and new != TITLE for titles in seen.values() for new in titles)


def test_all_edits_at_once_are_named_in_order() -> None:
    _, names = reword(TITLE, {}, np.random.default_rng(0), edits=20)
    assert names == tuple(name for name in EDIT_NAMES if name != "attributes")


def test_what_each_edit_does() -> None:
    seen = rewordings(TITLE, ATTRIBUTES, edits=1)
    assert "Sage Green Mug 350 ml" in seen["attributes"]
    assert seen["no_brand"] == {TITLE.removeprefix("Norvik ")}
    assert all(sorted(new.split()) == sorted(TITLE.replace(",", "").split()) for new in seen["shuffled"])
    assert all(set(new.split()) < set(TITLE.split()) for new in seen["dropped_words"])
    assert "Norvik Stoneware Mug 350ml, Sage Green with White Dots" in seen["spacing"]
    assert seen["case"] == {TITLE.lower(), TITLE.upper(), TITLE.title()} - {TITLE}
    assert all(TITLE in new for new in seen["noise"])
    assert any("w/" in new for new in seen["synonyms"])
    assert any("Cup" in new for new in seen["synonyms"])


@pytest.mark.parametrize("edits", [1, 2, 4])
def test_numbers_and_colours_stay(edits: int) -> None:
    for names, titles in rewordings(TITLE, ATTRIBUTES, edits).items():
        for new in titles:
            assert "350" in new
            if "synonyms" not in names:
                assert {"sage", "green"} <= set(re.findall(r"\w+", new.lower()))
            if "attributes" not in names and "synonyms" not in names:
                assert "white" in new.lower()


@pytest.mark.parametrize(
    "title", ["x", "64GB", "日本語の商品", "---", "!!!", "a b", " Mug ", "Blue", "w/", "É é"]
)
@pytest.mark.parametrize("edits", [0, 1, 3, 9])
def test_never_empty(title: str, edits: int) -> None:
    for seed in range(40):
        new, names = reword(title, {"colour": " "}, np.random.default_rng(seed), edits)
        assert new.strip()
        assert len(names) == len(set(names)) <= edits


def test_a_missing_title_stays_missing() -> None:
    assert reword("", ATTRIBUTES, np.random.default_rng(0), 3) == ("", ())


def test_no_attributes_edit_without_attributes() -> None:
    assert "attributes" not in rewordings(TITLE, {}, edits=1)
    assert "attributes" not in rewordings(TITLE, {"season": "Summer"}, edits=1)


def test_a_brand_of_two_words_goes_as_a_whole() -> None:
    seen = rewordings("Osk & Elm Chair Mist", {"brand": "Osk & Elm"}, edits=1)
    assert seen["no_brand"] == {"Chair Mist"}


def test_a_leading_colour_is_no_brand() -> None:
    assert "no_brand" not in rewordings("Black Casual Shoes Size 42", {}, edits=1)


def test_kept_numbers_are_not_misspelt() -> None:
    for new in rewordings("Kettle 1500W 230V 1.7L", {}, edits=1)["typos"]:
        assert new.split()[1:] == ["1500W", "230V", "1.7L"]


def test_same_generator_same_title() -> None:
    first, second = (reword(TITLE, ATTRIBUTES, np.random.default_rng(5), 3) for _ in range(2))
    assert first == second
