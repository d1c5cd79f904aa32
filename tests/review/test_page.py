from __future__ import annotations

from pathlib import Path

from itemsearch.review.page import Listing, Pair, mark_differences, write_pairs_page


def test_words_that_the_other_lacks_are_marked() -> None:
    assert mark_differences("Red Mug 350 ml", "red mug 500 ml") == "Red Mug <mark>350</mark> ml"
    assert mark_differences("Red mug", "") == "<mark>Red mug</mark>"
    assert mark_differences("", "Red mug") == ""


def test_titles_ids_and_categories_are_text_and_never_markup(tmp_path: Path) -> None:
    evil = '<script>alert("x")</script>'
    pair = Pair(Listing(evil, evil, evil, None), Listing("b", f'"{evil}" mug', "", b"jpeg"), 0.98)
    write_pairs_page(tmp_path / "p.html", evil, [evil], [pair])
    page = (tmp_path / "p.html").read_text()
    assert "<script" not in page
    assert "&lt;script&gt;" in page
    assert "0.980" in page
    assert 'src="data:image/jpeg;base64,' in page
    assert "no picture" in page
    assert [path.name for path in tmp_path.iterdir()] == ["p.html"]


def test_a_page_without_pairs_says_so(tmp_path: Path) -> None:
    write_pairs_page(tmp_path / "p.html", "Pairs", [], [])
    assert "No pairs at this score" in (tmp_path / "p.html").read_text()
