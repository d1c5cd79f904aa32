from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pytest
from fastapi.testclient import TestClient

from itemsearch.errors import UsageError
from itemsearch.review.app import build_app
from itemsearch.review.cards import ListingCardReader
from itemsearch.review.differences import Comparer
from itemsearch.review.links import check_link, page_of
from itemsearch.review.session import ReviewSession
from itemsearch.web.access import Address


def test_columns_that_differ_come_first_and_equal_ones_are_told_once() -> None:
    listings = pa.table(
        {
            "id": ["a", "b", "c"],
            "title": ["Mug"] * 3,
            "note": ["", None, ""],
            "material": ["clay", "clay", "clay"],
            "seller": ["Ann", "Bob", "Ann"],
            "stock": [1, None, 3],
            "Price": [9.5, 9.0, 9.5],
        }
    )
    reader = ListingCardReader(listings)
    reader.read(["a", "b", "c"])
    compared = Comparer.of(listings).compare(list(reader.known.values()))
    assert compared.differing == ("Price", "seller", "stock")
    assert compared.equal == (("material", "clay"),)
    assert compared.cells["b"] == ("9.0", "Bob", "")
    alone = Comparer.of(listings).compare([reader.known["a"]])
    assert (alone.differing, alone.cells) == ((), {"a": ()})


def test_a_link_is_a_web_address_with_an_escaped_id() -> None:
    assert page_of("https://shop.example/{id}", 'a/b "<') == "https://shop.example/a%2Fb%20%22%3C"
    assert page_of("", "a") == ""
    check_link("")
    for wrong in ("javascript:{id}", "//shop.example/{id}", "https://shop.example/", "https://{id}.example/"):
        with pytest.raises(UsageError, match="--link"):
            check_link(wrong)


def test_listings_link_to_their_pages(found: Path, evil_found: Path) -> None:
    def page(folder: Path, link: str) -> str:
        app = build_app(ReviewSession.open(folder), Address(), link=link)
        return TestClient(app, "http://localhost:8000").get("/").text

    assert 'href="https://shop.example/00001" target="_blank" rel="noopener noreferrer"' in page(
        found, "https://shop.example/{id}"
    )
    assert "noreferrer" not in page(found, "")
    hostile = page(evil_found, "https://shop.example/?q={id}&x=1")
    assert "https://shop.example/?q=%3Cscript%3Ealert%281%29%3C%2Fscript%3E0&amp;x=1" in hostile
    assert hostile.count("<script") == hostile.count('<script src="/assets/')
