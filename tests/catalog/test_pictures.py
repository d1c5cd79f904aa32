from __future__ import annotations

import json
from pathlib import Path
from random import Random

import pyarrow as pa
import pytest

from itemsearch.catalog.formats.tables import JsonText
from itemsearch.catalog.pictures import picture_sources
from itemsearch.errors import ImageError

A = "https://s.example/up/mug-1.jpg"
B = "https://s.example/up/mug-2"


@pytest.mark.parametrize(
    ("cell", "pictures"),
    [
        (None, ()),
        ("", ()),
        (" , ", ()),
        (b"", ()),
        (b"jpeg", (b"jpeg",)),
        (" a.jpg ", ("a.jpg",)),
        ("a", ("a",)),
        ("a.jpg, b.PNG", ("a.jpg", "b.PNG")),
        ("a.jpg|b.jpg;c.webp,,d.avif\ne.heic", ("a.jpg", "b.jpg", "c.webp", "d.avif", "e.heic")),
        ("a.jpg,a.jpg,b.jpg", ("a.jpg", "b.jpg")),
        ("a.jpg,", ("a.jpg",)),
        ("/m/b/x.jpg,/m/b/y.jpg", ("/m/b/x.jpg", "/m/b/y.jpg")),
        # A comma, a space or a semicolon in one path.
        ("Mug, large.jpg", ("Mug, large.jpg",)),
        ("my photo.jpg", ("my photo.jpg",)),
        ("Mug, large.jpg, Mug, small.jpg", ("Mug, large.jpg, Mug, small.jpg",)),
        ("my photo.jpg, your photo.jpg", ("my photo.jpg", "your photo.jpg")),
        ("mug;large.jpg", ("mug;large.jpg",)),
        # Addresses.
        (f"{A}, {B}", (A, B)),
        (f"{A},{B}", (A, B)),
        (f"{A} {B}\n{A}?w=1", (A, B, f"{A}?w=1")),
        (f"images/a.jpg, {B}", ("images/a.jpg", B)),
        ("//cdn.example/a,//cdn.example/b", ("//cdn.example/a", "//cdn.example/b")),
        ("https://c.example/w_200,h_300/a.jpg", ("https://c.example/w_200,h_300/a.jpg",)),
        (
            "https://c.example/w_2,h_3/a.jpg,https://c.example/w_2,h_3/b.jpg",
            ("https://c.example/w_2,h_3/a.jpg", "https://c.example/w_2,h_3/b.jpg"),
        ),
        ("https://s.example/i?f=a.jpg&amp;g=b.jpg", ("https://s.example/i?f=a.jpg&amp;g=b.jpg",)),
        # Lists and structs, as Parquet, JSON and Python write them.
        (["a.jpg", None, "b.jpg, c.jpg"], ("a.jpg", "b.jpg", "c.jpg")),
        ([b"one", b"two"], (b"one", b"two")),
        ('["a.jpg", "b.jpg"]', ("a.jpg", "b.jpg")),
        ("['a.jpg', 'b.jpg']", ("a.jpg", "b.jpg")),
        ("[a].jpg", ("[a].jpg",)),
        ("[a]", ("[a]",)),
        ({"bytes": b"jpeg", "path": "a.jpg"}, (b"jpeg",)),
        ({"bytes": None, "path": "a.jpg"}, ("a.jpg",)),
        ({"bytes": None, "path": None}, ()),
        ([{"thumb": "t", "large": "l", "variant": "MAIN", "hi_res": None}, {"thumb": "u"}], ("l", "u")),
        (
            {"hi_res": [None, "h"], "large": ["l", "m"], "thumb": ["t", "u"], "variant": ["A", "B"]},
            ("l", "h"),
        ),
        ([{"id": 1, "src": A}, {"id": 2, "src": B}], (A, B)),
        ([], ()),
        ({}, ()),
    ],
)
def test_the_pictures_of_a_cell(cell: object, pictures: tuple[bytes | str, ...]) -> None:
    assert picture_sources(cell) == pictures
    if cell is not None and "b'" not in repr(cell):  # JSON holds no bytes
        assert picture_sources(JsonText(json.dumps(cell))) == pictures, "a cell of a JSON Lines file"


@pytest.mark.parametrize(
    "cell", [12, 1.5, True, [1], {"size": 3}, JsonText("12"), JsonText("[[1]]"), "[1, 2]"]
)
def test_what_is_no_picture_is_refused(cell: object) -> None:
    with pytest.raises(ImageError, match="give a file's path or its bytes"):
        picture_sources(cell)


@pytest.mark.parametrize("text", ["[" * 100_000 + "]" * 100_000, "{" * 100_000 + "}" * 100_000, "[\x00]"])
def test_a_hostile_text_is_a_path_like_any_other(text: str) -> None:
    assert picture_sources(text) == (text,)


def test_a_list_of_structs_as_parquet_returns_it(tmp_path: Path) -> None:
    pictures = pa.array([[{"bytes": b"one", "path": None}, {"bytes": None, "path": "b.jpg"}]])
    assert picture_sources(pictures.to_pylist()[0]) == (b"one", "b.jpg")


@pytest.mark.parametrize("seed", range(50))
def test_joined_pictures_are_cut_where_they_were_joined(seed: int) -> None:
    random = Random(seed)
    is_address = random.random() < 0.5
    # An address may hold commas, a path among others none.
    words = ["mug", "w_2,h_3"] if is_address else ["mug", "a b", "ünï", "[1]", "{z}", "50%25"]
    start = "https://cdn.example/" if is_address else ""
    pictures = [
        f"{start}{number}/{'/'.join(random.sample(words, 2))}{random.choice(['.jpg', '.webp?v=1'])}"
        for number in range(random.randint(1, 6))
    ]
    separator = random.choice([",", ", ", "|", " ; ", "\n", *([" "] if is_address else [])])
    assert picture_sources(separator.join(pictures)) == tuple(pictures)
    assert picture_sources(pictures) == tuple(pictures)
    assert picture_sources(json.dumps(pictures)) == tuple(pictures)
    assert picture_sources(repr(pictures)) == tuple(pictures)
