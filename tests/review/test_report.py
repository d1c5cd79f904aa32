from __future__ import annotations

import re
from pathlib import Path

import pyarrow as pa
from support.run_folders import a_group, a_pair, tables

from itemsearch.duplicates.run_folder import DuplicateTables
from itemsearch.review.cards import read_cards
from itemsearch.review.report import write_groups_report
from itemsearch.review.wording import evidence_in_words, mark_differences
from itemsearch.search.engine import Engine


def test_words_that_another_title_lacks_are_marked() -> None:
    assert mark_differences("Red Mug, 350 ml", ["red mug 500 ml"]) == "Red Mug, <mark>350</mark> ml"
    assert mark_differences("Red mug", ["red mug", "mug"]) == "<mark>Red</mark> mug"
    assert mark_differences("<b>", ["mug"]) == "<mark>&lt;b&gt;</mark>"
    assert mark_differences("Red mug", []) == "Red mug"


def test_evidence_is_told_in_plain_words() -> None:
    def told(title: str = "Red mug big", other: str = "Green mug big", **evidence: object) -> str:
        return "; ".join(evidence_in_words(a_pair("a", "b", **evidence), title, other))

    assert told(same_image=True) == "same picture; titles share most words"
    assert told(conflicts=["colour: red / green"]).startswith("colour differs: red / green; ")
    assert told(doubt="one picture under two numbers").startswith("one picture under two numbers; ")
    assert told(same_identifier="gtin 123").startswith("the same gtin 123; ")
    assert told(image_hash_distance=2).startswith("nearly the same picture")
    assert told(image_similarity=0.1).startswith("pictures look different")
    assert told(image_similarity=None, image_hash_distance=None).startswith("pictures not compared")
    assert told(words_a=[], words_b=[]).endswith("same words in the titles")
    assert told("", words_a=[]).endswith("a title is missing")
    assert told("a b c", "a d e", words_a=["b", "c"], words_b=["d", "e"]).endswith("titles share few words")


def test_groups_come_in_the_order_of_what_a_decision_settles(index: Path) -> None:
    listings = Engine.open(index).listings
    groups = [
        a_group("sure", ["00001", "00002", "00003", "00004"], "automatic"),
        a_group("small", ["00010", "00011"]),
        a_group("large", ["00022", "00020", "00021"]),
        a_group("gone", ["00030", "no longer there"]),
    ]
    pairs = [
        a_pair("00020", "00021", probability=0.99),
        a_pair("00020", "00022", probability=0.5),
        a_pair("00040", "00041", "variant"),
        a_pair("00042", "no longer there", "variant"),
        a_pair("00043", "00044", probability=0.3),
    ]
    shown = read_cards(DuplicateTables(listings, *tables(pairs, groups)), variants=9, weakest=2)
    assert [group.id for group in shown.groups] == ["large", "small", "sure"]
    large = shown.groups[0]
    assert [member.listing.id for member in large.members] == ["00022", "00020", "00021"]
    assert [member.keeper for member in large.members] == [True, False, False]
    nearest = [member.nearest and member.nearest.probability for member in large.members]
    assert [each and round(each, 2) for each in nearest] == [None, 0.5, 0.99]
    assert [(pair.first.id, pair.second.id) for pair in shown.variants] == [("00040", "00041")]
    assert [pair.first.id for pair in shown.weakest] == ["00043", "00020"]


def test_a_confirmed_group_comes_last_and_without_doubt(index: Path, tmp_path: Path) -> None:
    listings = Engine.open(index).listings
    groups = [a_group("done", ["00000", "00001"], "confirmed"), a_group("open", ["00002", "00003"])]
    pairs = [
        a_pair("00000", "00001", "confirmed", probability=None, reason="Ann decided"),
        a_pair("00002", "00003"),
    ]
    write_groups_report(tmp_path / "r.html", DuplicateTables(listings, *tables(pairs, groups)), [])
    page = (tmp_path / "r.html").read_text()
    assert re.findall(r"group (done|open)<", page) == ["open", "done"]
    assert '<span class="chip confirmed">confirmed</span>' in page
    assert "Ann decided" in page
    assert page.count("probability <span") == 3  # of the open group, its pair and the weakest pair


def test_the_report_is_one_file_that_fetches_nothing(index: Path, tmp_path: Path) -> None:
    listings = Engine.open(index).listings
    found = tables([a_pair("00000", "00001")], [a_group("g", ["00000", "00001"])])
    assert write_groups_report(tmp_path / "r.html", DuplicateTables(listings, *found), ["1 group."]) == 1
    page = (tmp_path / "r.html").read_text()
    assert [path.name for path in tmp_path.iterdir()] == ["r.html"]
    assert not re.search(r"https?://|url\(|@import", page)
    assert page.count("<script") == page.count("<style") == 1
    assert page.count('src="data:image/jpeg;base64,') == 4  # in the group, and as a weakest pair
    assert page.count("probability <span") == 3  # of the group, its pair and the weakest pair


def test_a_page_without_groups_says_so(index: Path, tmp_path: Path) -> None:
    listings = Engine.open(index).ranker.listings
    assert write_groups_report(tmp_path / "r.html", DuplicateTables(listings, *tables([], [])), []) == 0
    assert "There are no groups" in (tmp_path / "r.html").read_text()


def test_vectors_without_titles_or_pictures_can_be_shown(tmp_path: Path) -> None:
    listings = pa.table({"id": ["a", "b"]})
    found = tables([a_pair("a", "b")], [a_group("g", ["a", "b"])])
    write_groups_report(tmp_path / "r.html", DuplicateTables(listings, *found), [])
    assert "no picture" in (tmp_path / "r.html").read_text()
