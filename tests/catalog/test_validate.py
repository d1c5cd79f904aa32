from __future__ import annotations

from datetime import UTC, date, datetime, time
from decimal import Decimal

import numpy as np
import pytest

from itemsearch.catalog.formats.tables import JsonText
from itemsearch.catalog.validate import Cells, RowValidator
from itemsearch.types import Reject, RejectReason


def check(**record):
    return RowValidator().check(1, "a.csv line 2", {"id": "1", "title": "t", **record})


@pytest.mark.parametrize(
    ("value", "row_id"),
    [
        ("007", "007"),
        (" 7 ", "7"),
        (2**63, str(2**63)),
        (-3, "-3"),
        (Decimal("12345678901234567890"), "12345678901234567890"),
        (JsonText("9007199254740993"), "9007199254740993"),
        (1.0, "1"),
        (1.5, "1.5"),
        (1e15, "1000000000000000"),
        (Decimal("7.00"), "7"),
        (Decimal("90.750"), "90.750"),
        (JsonText("1.0"), "1"),
        (JsonText("1e5"), "100000"),
        (JsonText("-0.50"), "-0.50"),
    ],
)
def test_ids_become_text(value, row_id):
    cells = check(id=value)
    assert isinstance(cells, Cells)
    assert cells.id == row_id
    assert type(cells.id) is str


@pytest.mark.parametrize(
    "value",
    [
        True,
        float("inf"),
        Decimal("1e400"),
        JsonText("1e400"),
        JsonText("true"),
        JsonText("[1]"),
        b"1",
        "a\nb",
    ],
)
def test_what_is_no_id(value):
    reject = check(id=value)
    assert isinstance(reject, Reject)
    assert reject.reason is RejectReason.MALFORMED


@pytest.mark.parametrize("value", [None, "", "  \t", float("nan"), Decimal("nan")])
def test_missing_id(value):
    assert check(id=value) == Reject(1, "", RejectReason.MISSING_ID, "a.csv line 2: no id")


def test_what_is_no_id_says_how_to_mend():
    assert "the id is True: write ids as text or numbers" in check(id=True).message


def test_duplicate_names_the_first_row_though_that_was_refused():
    validator = RowValidator()
    assert isinstance(validator.check(3, "p", {"id": "a", "title": ""}), Reject)
    reject = validator.check(5, "a.csv line 6", {"id": "a", "title": "t"})
    message = "a.csv line 6: the id 'a' is that of row 3 already"
    assert reject == Reject(5, "a", RejectReason.DUPLICATE_ID, message)


@pytest.mark.parametrize(("value", "title"), [(1984, "1984"), (JsonText("19.84"), "19.84"), (None, "")])
def test_titles_from_numbers(value, title):
    assert check(title=value, image="x.jpg").title == title


@pytest.mark.parametrize(
    ("value", "title"),
    [
        (1.5, "1.5"),
        (3.0, "3"),
        (Decimal("1.50"), "1.50"),
        (JsonText("1.10"), "1.10"),
        (JsonText("1e400"), "1E+400"),
        (True, "true"),
        (JsonText("false"), "false"),
        (b"Caf\xc3\xa9", "Café"),
        (["Mug", None, " blue "], "Mug, blue"),
        (JsonText('["Mug", 1.50, null]'), "Mug, 1.50"),
        ({"name": "Colour", "value": "Blue"}, "Colour: Blue"),
        (JsonText('{"id": 7, "name": "Mug"}'), "Mug"),
        ({"en": "Mug", "de": "Becher", "fr": None}, "Mug, Becher"),
        ([("size", "XL")], "size, XL"),
        (datetime(2024, 2, 29), "2024-02-29"),
        (datetime(2024, 2, 29, 3, 0, tzinfo=UTC), "2024-02-29 03:00:00+00:00"),
        (date(2024, 2, 29), "2024-02-29"),
        (time(3), "03:00:00"),
    ],
)
def test_titles_of_any_type_are_written_as_people_would(value, title):
    assert check(title=value).title == title


@pytest.mark.parametrize("value", [float("nan"), [], {}, JsonText("[]"), [None], b""])
def test_a_title_of_nothing_is_missing(value):
    assert check(title=value).reason is RejectReason.EMPTY


@pytest.mark.parametrize("role", ["title", "category"])
def test_bytes_that_are_no_text_are_refused(role):
    reject = check(**{role: b"\xff\xfe"})
    assert (reject.reason, reject.id) == (RejectReason.MALFORMED, "1")
    assert f"the {role} is" in reject.message


@pytest.mark.parametrize(
    ("value", "category"),
    [
        ("Home > Kitchen", "Home > Kitchen"),
        ("Home>Kitchen", "Home > Kitchen"),
        ("> Home >> Kitchen >", "Home > Kitchen"),
        ("Home » Kitchen", "Home > Kitchen"),
        ("Home, Kitchen", "Home, Kitchen"),
        (["Home", "Kitchen"], "Home > Kitchen"),
        ('["Home", "Kitchen"]', "Home > Kitchen"),
        ("['Home', 'Kitchen']", "Home > Kitchen"),
        ('["Home >> Kitchen"]', "Home > Kitchen"),
        ("[sale]", "[sale]"),
        (JsonText('["Home","Kitchen"]'), "Home > Kitchen"),
        (7.0, "7"),
        ("nan", ""),
        ("N/A", ""),
        (" > ", ""),
    ],
)
def test_category_paths(value, category):
    assert check(category=value).category == category


@pytest.mark.parametrize(
    ("value", "sources"),
    [
        (None, ()),
        ("", ()),
        ("  ", ()),
        (b"", ()),
        (" a.jpg ", ("a.jpg",)),
        ("a.jpg, b.jpg", ("a.jpg", "b.jpg")),
        (b"abc", (b"abc",)),
        ({"bytes": b"abc", "path": "a.jpg"}, (b"abc",)),
        ({"bytes": None, "path": "a.jpg"}, ("a.jpg",)),
        ({"bytes": b"", "path": "a.jpg"}, ("a.jpg",)),
        ({"bytes": None, "path": None}, ()),
        ({"path": "a.jpg"}, ("a.jpg",)),
        (["a.jpg"], ("a.jpg",)),
        (JsonText('{"path":"a"}'), ("a",)),
    ],
)
def test_the_pictures_of_a_cell(value, sources):
    cells = check(image=value)
    assert (cells.images, cells.image_problem) == (sources, None)


@pytest.mark.parametrize("value", [1, [2], {"size": "a"}, JsonText("1")])
@pytest.mark.parametrize("title", ["t", ""])
def test_what_is_no_image_is_told_and_not_the_end_of_the_row(value, title):
    cells = check(image=value, title=title)
    assert isinstance(cells, Cells)
    assert cells.images == ()
    assert cells.image_problem.reason is RejectReason.IMAGE_MALFORMED


def test_no_title_and_no_image():
    reject = check(title=" \0 ", image=" ")
    assert (reject.reason, reject.id) == (RejectReason.EMPTY, "1")


@pytest.mark.parametrize("title", ["nan", "N/A", " - ", "DEFAULT TITLE", "&nbsp;nan<br>"])
def test_a_title_that_is_none_is_missing(title):
    reject = check(title=title)
    assert (reject.reason, reject.id) == (RejectReason.EMPTY, "1")
    assert reject.message == f"a.csv line 2: no title and no image: {reject.no_title!r} is no title"
    cells = check(title=title, image="a.jpg")
    assert (cells.title, cells.no_title) == ("", reject.no_title)
    assert reject.no_title in ("nan", "N/A", "-", "DEFAULT TITLE")


def test_titles_are_folded():
    cells = check(title="Caf&eacute; <b>table</b>", category="A &amp; B")
    assert (cells.title, cells.category, cells.no_title) == ("Café table", "A & B", "")


@pytest.mark.parametrize("value", [[1.0, 2, -0.5], "[1.0, 2, -0.5]", JsonText("[1.0,2,-0.5]")])
def test_embedding(value):
    embedding = check(title="", embedding=value).embedding
    assert embedding.dtype == np.float32
    assert embedding.tolist() == [1.0, 2.0, -0.5]


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ([1.0, float("nan")], "not finite"),
        ([1e39, 1.0], "not finite"),
        ([0.0, 0.0], "all zeros"),
        ([], "all zeros"),
        ([1.0, None], "list of numbers"),
        ([True, 1.0], "list of numbers"),
        (["1", "2"], "list of numbers"),
        ([[1.0]], "list of numbers"),
        ("0.1 0.2", "list of numbers"),
        (JsonText("3"), "list of numbers"),
        ({"a": 1.0}, "list of numbers"),
    ],
)
def test_what_is_no_embedding(value, message):
    reject = check(embedding=value)
    assert reject.reason is RejectReason.MALFORMED
    assert message in reject.message


def test_embeddings_are_as_long_as_the_first_sound_one():
    validator = RowValidator()
    values = [[float("inf")] * 4, [1.0, 2.0], [1.0, 2.0, 3.0], [3.0, 4.0]]
    checked = [
        validator.check(i, "p", {"id": str(i), "embedding": value}) for i, value in enumerate(values, 1)
    ]
    assert [isinstance(outcome, Cells) for outcome in checked] == [False, True, False, True]
    assert "3 numbers where the first has 2" in checked[2].message
