# ruff: noqa: RUF001 (letters that look alike are the matter here)
from __future__ import annotations

import time

import pytest

from itemsearch.titles import clean_text, fold_title, is_no_title


@pytest.mark.parametrize(
    ("text", "clean"),
    [
        ("  a \t b\r\nc\u00a0\u2003d  ", "a b c d"),
        ("a\0b\x07\x7f\x9fc", "abc"),
        ("a \0 b", "a b"),
        ("&amp; <b>é</b>", "&amp; <b>é</b>"),
        (" \0\n", ""),
    ],
)
def test_clean_text(text: str, clean: str) -> None:
    assert clean_text(text) == clean


@pytest.mark.parametrize(
    ("text", "folded"),
    [
        ("Brush Set &amp; Case for Artist&#39;s Studio", "Brush Set & Case for Artist's Studio"),
        ("Caf&eacute; table &quot;Riva&quot; &ndash; white", 'Café table "Riva" – white'),
        ("Caf&amp;eacute; &#x26;amp; bar", "Café & bar"),
        ("<b>Steel</b> bottle<br>500&nbsp;ml", "Steel bottle 500 ml"),
        ("&lt;p class='x'&gt;Steel bottle&lt;/p&gt; 500 ml", "Steel bottle 500 ml"),
        ("H<sub>2</sub>O <!-- new -->filter", "H2O filter"),
        ("Ｓｔｅｅｌ　ｂｏｔｔｌｅ　５００ｍｌ", "Steel bottle 500ml"),
        ("Steel\u200bbottle \u00ad500 ml\ufeff", "Steel bottle 500 ml"),
        ("Cafe\u0301 table", "Café table"),
        ("ﬁne oﬃce ㎏ ⭐\ufe0f", "fine office kg ⭐"),
        ("𝐒𝐭𝐞𝐞𝐥 bottle", "Steel bottle"),
        ("ﾊﾞｯｸﾞ", "バッグ"),
        ("Stееl bоttle", "Steel bottle"),
        ("Cумка кoжa", "Сумка кожа"),
        ("می\u200cخواهم", "میخواهم"),
    ],
)
def test_one_text_has_one_spelling(text: str, folded: str) -> None:
    assert fold_title(text) == folded
    assert fold_title(folded) == folded


@pytest.mark.parametrize(
    "title",
    [
        "AT&T phone & case; black",
        "R&D &c. B&Q",
        "Size < 5 and > 3",
        "T-shirt <S> or <M>, <small>",
        "10½ in m² 3rd™",
        "Ёлка Ωmega μm",
        "STEEL bottle, Straße, naïve",
        "¬ &notes &copy",
    ],
)
def test_other_text_stays(title: str) -> None:
    assert fold_title(title) == title


def test_hostile_titles_take_no_time() -> None:
    started = time.perf_counter()
    for part in ("&amp;", "amp;", "<b>", "<b", "<!--", "<a ", "</b><b>", "&#38;#38;", "Аa"):
        fold_title("&" + part * 50_000)
    assert time.perf_counter() - started < 5


@pytest.mark.parametrize(
    "title",
    [
        "nan",
        "NaN",
        "None",
        "NULL",
        "N/A",
        "n.a.",
        "#N/A",
        "-",
        "—",
        "...",
        "TBD",
        "Untitled",
        "Default Title",
        "test",
        "New product",
        " new-product!",
        "(none)",
        "_",
        "★★★",
        "Ohne Titel",
        "[object Object]",
    ],
)
def test_what_is_no_title(title: str) -> None:
    assert is_no_title(fold_title(title))


@pytest.mark.parametrize(
    "title", ["", "Oak chair", "Test tube", "1984", "Nan bread", "New product 3", "未命名 灯", "X"]
)
def test_what_is_a_title_or_nothing(title: str) -> None:
    assert not is_no_title(title)
