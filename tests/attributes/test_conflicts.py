from __future__ import annotations

import pytest

from itemsearch.attributes.conflicts import find_conflicts
from itemsearch.attributes.reading import READERS, read_attributes

EVERY_RULE = tuple(READERS)


def conflicts(a: str, b: str) -> list[str]:
    first, second = read_attributes(a, EVERY_RULE), read_attributes(b, EVERY_RULE)
    assert len(find_conflicts(second, first)) == len(find_conflicts(first, second))
    return find_conflicts(first, second)


@pytest.mark.parametrize(
    ("a", "b", "conflict"),
    [
        ("Case for iPhone 11", "Case for iPhone 12", "number: 11 / 12"),
        ("iPhone 13 Pro case", "iPhone 13 Pro Max case", "suffix: 13 pro / 13 pro max"),
        ("Galaxy S21 case", "Galaxy S21+ case", "suffix: s21 / s21 plus"),
        ("Reading glasses +1.50", "Reading glasses +2.50", "strength: +1.50 / +2.50"),
        ("Acid peel 5%", "Acid peel 10 %", "strength: 5% / 10 %"),
        ("Pan 3rd generation", "Pan 4th gen", "generation: 3rd generation / 4th gen"),
        ("Harry Potter II", "Harry Potter III", "number: ii / iii"),
        ("Calendar 2024 mountains", "Calendar 2025 mountains", "year: 2024 / 2025"),
        ("Boots EU 38", "Boots EU 40", "size: 38 / 40"),
        ("Duvet cover king", "Duvet cover queen", "size: king / queen"),
        ("Hex bolt M6", "Hex bolt M8", "model: M6 / M8"),
        ("Base layer men", "Base layer women", "audience: men / women"),
        ("Door mirror left", "Door mirror right", "side: left / right"),
        ("Soy candle lavender oil", "Soy candle vanilla oil", "scent: lavender / vanilla"),
        ("Board game English edition", "Board game German edition", "language: english / german"),
        ("Vacuum cleaner", "Vacuum cleaner replacement filter", "part: the whole / replacement filter"),
        ("Camera kit", "Camera body only", "part: the whole / body only"),
        ("Rice 1kg", "Rice 5 kg", "size: 1 kg / 5 kg"),
        ("Cushion teal", "Cushion turquoise", "colour: teal / turquoise"),
        ("Kopfhörer schwarz", "Kopfhörer weiß", "colour: schwarz / weiss"),
        ("Winterjacke Größe 48", "Winterjacke Größe 54", "size: 48 / 54"),
        ("Batterien 4er Pack", "Batterien 12er Pack", "pack: 4er pack / 12er pack"),
        ("Bougies lot de 3", "Bougies lot de 12", "pack: lot de 3 / lot de 12"),
        ("Camiseta talla M", "Camiseta talla XL", "size: M / XL"),
        ("Maglia nera", "Maglia bianca", "colour: nera / bianca"),
        ("Stoel zwart", "Stoel wit", "colour: zwart / wit"),
        ("Fotel czarny", "Fotel biały", "colour: czarny / bialy"),
        ("Camisa preta", "Camisa branca", "colour: preta / branca"),
        ("Наушники чёрные", "Наушники белые", "colour: черные / белые"),
        ("Шампунь 250 мл", "Шампунь 500 мл", "size: 250 мл / 500 мл"),
        ("蓝牙耳机 黑色", "蓝牙耳机 白色", "colour: 黑色 / 白色"),
        ("洗发水500毫升", "洗发水250毫升", "size: 500 毫升 / 250 毫升"),
        ("イヤホン ホワイト", "イヤホン レッド", "colour: ホワイト / レット"),
        ("سماعات أسود", "سماعات أبيض", "colour: اسود / ابيض"),
    ],
)
def test_a_conflict_is_named(a: str, b: str, conflict: str) -> None:
    assert conflicts(a, b) == [conflict]


@pytest.mark.parametrize(
    ("a", "b"),
    [
        ("Stainless steel bottle 750 ml black", "SS bottle 750ml blk"),
        ("Dumbbell 2.2 lb", "Dumbbell 1 kg"),
        ("Galaxy S21 Plus", "Galaxy S21+"),
        ("MacBook Air 13", "MacBook 13 Air"),
        ("TV 43 Ultra HD", "TV 43 4K"),
        ("iPhone 11 12 13 case", "iPhone 12 case"),
        ("Shaver heads SH50", "Replacement heads SH50"),
        ("Replacement filter X", "Spare filter X"),
        ("Kleid rot", "red dress"),
        ("Kopfhörer weiß", "KOPFHÖRER WEISS"),
        ("Headphones white", "Headphones white"),
        ("洗发水500毫升", "洗发水 0.5升"),
    ],
)
def test_the_same_in_other_words_is_no_conflict(a: str, b: str) -> None:
    assert conflicts(a, b) == []


def test_a_title_without_digits_is_read_too() -> None:
    assert read_attributes("Red shirt", EVERY_RULE).values == {("colour", "colour"): {"red": "red"}}
    assert read_attributes("", EVERY_RULE).values == {}
