from __future__ import annotations

import pytest

from itemsearch.errors import ImageNotFoundError
from itemsearch.fetched import FetchedPictures, is_web_address, without_credentials


@pytest.mark.parametrize(
    ("source", "is_address"),
    [("http://a/b.jpg", True), ("HTTPS://a/b.jpg", True), ("a/http:/b.jpg", False), ("ftp://a/b.jpg", False)],
)
def test_web_addresses_are_told_from_paths(source: str, is_address: bool) -> None:
    assert is_web_address(source) is is_address


def test_without_a_folder_an_address_says_what_to_do() -> None:
    with FetchedPictures.open(None) as fetched, pytest.raises(ImageNotFoundError, match="--fetched"):
        fetched.path_of("http://a/b.jpg")


@pytest.mark.parametrize(
    ("address", "shown"),
    [
        ("https://me:secret@shop.test:8080/a.png", "https://shop.test:8080/a.png"),
        ("http://me@x:y@shop.test/", "http://shop.test/"),
        ("http://shop.test/a@b.png?c=d@e#f@g", "http://shop.test/a@b.png?c=d@e#f@g"),
        ("http://shop.test?c=@e", "http://shop.test?c=@e"),
        ("images/me@home.png", "images/me@home.png"),
    ],
)
def test_credentials_are_left_out(address: str, shown: str) -> None:
    assert without_credentials(address) == shown
