from __future__ import annotations

import pytest

from itemsearch.attributes.identifiers import (
    Identifier,
    Unusable,
    contradict,
    has_check_digit,
    read_column,
    read_model_number,
    read_trade_number,
)


@pytest.mark.parametrize(
    ("cell", "text"),
    [
        ("4006381333931", "04006381333931"),
        ("04006381333931", "04006381333931"),
        (" 4 006381 333931 ", "04006381333931"),
        ("'4006381333931", "04006381333931"),  # a spreadsheet's mark of text
        ("4006381-333931", "04006381333931"),
        ("036000291452", "00036000291452"),  # GTIN-12
        ("36000291452", "00036000291452"),  # a spreadsheet dropped the zero
        ("96385074", "00000096385074"),  # GTIN-8
        ("0-306-40615-2", "09780306406157"),  # ISBN-10
        ("9780306406157", "09780306406157"),
        ("4006381333931.0", "04006381333931"),  # a table of floats
    ],
)
def test_one_trade_number_in_many_spellings(cell: str, text: str) -> None:
    assert read_trade_number(cell) == Identifier(text, True)


@pytest.mark.parametrize(
    ("cell", "why"),
    [
        ("4.00638E+12", Unusable.EXPONENT),
        ("8,71E+12", Unusable.EXPONENT),
        ("0", Unusable.PLACEHOLDER),
        ("0000000000000", Unusable.PLACEHOLDER),
        ("9999999999999", Unusable.PLACEHOLDER),
        ("N/A", Unusable.PLACEHOLDER),
        ("Does not apply", Unusable.PLACEHOLDER),
        ("12345", Unusable.SHORT),
        ("abc4006381333931", Unusable.SHORT),
    ],
)
def test_what_counts_for_nothing(cell: str, why: Unusable) -> None:
    assert read_trade_number(cell) is why


def test_a_wrong_check_digit_is_kept_and_not_valid() -> None:
    assert read_trade_number("4242005111111") == Identifier("04242005111111", False)
    assert not has_check_digit("4006381333930")
    assert read_trade_number("") is None


def test_model_numbers_are_folded() -> None:
    assert read_model_number("mq8n2b/a") == read_model_number("MQ8N2B-A") == Identifier("MQ8N2BA", True)
    assert read_model_number("abc") is Unusable.SHORT
    assert read_model_number("unknown") is Unusable.PLACEHOLDER


def test_contradictions() -> None:
    right, other = Identifier("04006381333931", True), Identifier("00036000291452", True)
    wrong, shop = Identifier("04006381333930", False), Identifier("05010000000001", False)
    assert contradict(right, other, trade=True)
    assert contradict(wrong, shop, trade=True)
    assert not contradict(right, right, trade=True)
    assert not contradict(right, wrong, trade=True)
    assert not contradict(Identifier("QE55Q60R", True), Identifier("QE55Q60RATXXU", True), trade=False)
    assert contradict(Identifier("ZRB35426XA", True), Identifier("ZRB38426XA", True), trade=False)


def test_what_many_listings_share_is_of_none() -> None:
    cells = ["4006381333931"] * 3 + ["036000291452", None, "", "0", "4.0E+12"]
    identifiers, counts = read_column(cells, trade=True, most_shared=2)
    assert [each and each.text for each in identifiers[:5]] == [None, None, None, "00036000291452", None]
    assert (counts.rows, counts.valid) == (6, 1)
    assert counts.unusable == {Unusable.SHARED: 3, Unusable.PLACEHOLDER: 1, Unusable.EXPONENT: 1}


def test_the_identifiers_of_variants_in_one_cell() -> None:
    cells = [
        "4006381333948, 4006381333931",
        "4006381333931; 4006381333948",
        "4006381333931|0",
        "8,71E+12",
        "",
    ]
    (first, second, *others), counts = read_column(cells, True, 20)
    assert first == second == Identifier("04006381333931 04006381333948", True)
    assert others == [None, None, None]
    assert counts.unusable == {Unusable.PLACEHOLDER: 1, Unusable.EXPONENT: 1}


@pytest.mark.parametrize(
    ("cells", "contradicts"),
    [
        (("4006381333931, 4006381333948", "4006381333948"), False),
        (("4006381333931, 4006381333948", "0036000291452"), True),
    ],
)
def test_variants_contradict_where_none_is_the_same(cells: tuple[str, str], contradicts: bool) -> None:
    (one, other), _ = read_column(cells, True, 20)
    assert one is not None
    assert other is not None
    assert contradict(one, other, True) == contradicts
