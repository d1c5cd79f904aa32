from __future__ import annotations

import pyarrow as pa
import pytest

from itemsearch.attributes.conflicts import find_conflicts
from itemsearch.duplicates.pairs.variants import EVERY_RULE, RULES, AttributeReader, VariantRules
from itemsearch.errors import UsageError


def conflicts(
    a: str, b: str, variant_rules: VariantRules = EVERY_RULE, **columns: tuple[object, object]
) -> list[str]:
    listings = pa.table({"id": ["a", "b"], "title": [a, b], **{k: list(v) for k, v in columns.items()}})
    first, second = AttributeReader.of(variant_rules, listings).read(pa.chunked_array([[0, 1]]))
    found = find_conflicts(first, second)
    assert len(find_conflicts(second, first)) == len(found)
    return found


@pytest.mark.parametrize(
    ("a", "b", "told"),
    [
        ("Olive oil 500 ml", "Olive oil 1 l", "size: 500 ml / 1 l"),
        ("Rice 2.5kg", "Rice 500 g", "size: 2.5 kg / 500 g"),
        ("Curtain 140 x 200 cm", "Curtain 140 x 260 cm", "size: 200 cm / 260 cm"),
        ("TV 55 inch", 'TV 65" LED', 'size: 55 inch / 65"'),
        ("Shirt size M", "Shirt sz L", "size: M / L"),
        ("Shirt XL slim", "Shirt XXL slim", "size: XL / XXL"),
        ("Boots UK 8", "Boots UK 9.5", "size: 8 / 9.5"),
        ("Phone 64GB", "Phone 128 GB", "capacity: 64 gb / 128 gb"),
        ("Phone 4GB 64GB", "Phone 4GB 128GB", "capacity: 64 gb / 128 gb"),
        ("Power bank 10000mAh", "Power bank 20000 mAh", "capacity: 10000 mah / 20000 mah"),
        ("Socks pack of 3", "Socks 6-pack", "pack: pack of 3 / 6-pack"),
        ("Cola 6 x 330 ml", "Cola 24x330ml", "pack: 6 / 24"),
        ("Shirt red", "Shirt Navy Blue", "colour: red / navy"),
        ("Galaxy note SM-N950F", "Galaxy note SM-N960F", "model: SM-N950F / SM-N960F"),
        ("Phone P20", "Phone P10", "model: P20 / P10"),
        ("Matte Lipstick 225", "Matte Lipstick 212", "number: 225 / 212"),
    ],
)
def test_a_conflict_is_told(a: str, b: str, told: str) -> None:
    assert conflicts(a, b) == [told]


@pytest.mark.parametrize(
    ("a", "b"),
    [
        ("Olive oil 500 ml", "Olive oil 0.5 l"),
        ("Olive oil 0,5 Litre", "olive oil 50cl"),
        ("Juice 12 oz", "Juice 355 ml bottle 12oz"),
        ("Phone 64GB", "phone 64 gb"),
        ("Disk 1TB", "Disk 1000 GB"),
        ("Phone 6GB 64GB", "Phone 64GB"),
        ("Shirt size M", "Shirt"),
        ("Shirt size M", "shirt sz medium"),
        ("Shirt 2XL", "Shirt XXL"),
        ("Socks pack of 3", "Socks 3pk"),
        ("Cola 6 x 330 ml", "Cola 330ml pack of 6"),
        ("Shirt black", "shirt blk"),
        ("Shirt grey", "Shirt Charcoal Gray"),
        ("Red Tape brown shoes", "shoes brown"),
        ("Shirt black and red", "Shirt black"),
        ("iPhone MQ8N2B/A", "iphone mq8n2b"),
        ("TV KD-55XE9005", "KD55XE9005BU telly"),
        ("Neff N70 KA3923I20G", "Neff KA3923I20G"),
        ("Neff N70 fridge", "Neff KA3923I20G fridge"),
        ("Washer W543BX0GB", "Washer W543BXOGB"),
        ("Fridge 60cm wide", "Fridge 178cm tall"),
        ("Phone 4G", "Phone 5G dual"),
        ("Lipstick 225 matte", "Lipstick matte 225"),
        ("Calendar 2018 with 365 pages", "Calendar 2018"),
        ("Men's L'Oreal gel", "M&S gel"),
        ("", "Shirt red"),
    ],
)
def test_no_conflict(a: str, b: str) -> None:
    assert conflicts(a, b) == []


def test_rules_are_switched_off_one_by_one() -> None:
    a = (
        "Oil 500 ml 64GB pack of 3 red X100A type 4 2nd generation 2011 Q7 Pro +1.50 men left vanilla "
        "English edition replacement filter"
    )
    b = (
        "Oil 1 l 128GB pack of 6 blue X200A type 5 3rd generation 2019 Q7 Max +2.50 women right lemon "
        "German edition"
    )
    assert [told.split(":")[0] for told in conflicts(a, b)] == sorted(RULES)
    for rule in RULES:
        told = conflicts(a, b, VariantRules.without([rule], []))
        assert [each.split(":")[0] for each in told] == sorted(set(RULES) - {rule})
    with pytest.raises(UsageError, match="no variant rule 'taste'; the rules are size, capacity"):
        VariantRules.without(["taste"], [])


def test_columns_speak_too() -> None:
    assert conflicts("Shirt", "Shirt", colour=("Red", "Blue")) == ["colour: red / blue"]
    assert conflicts("Red shirt", "Shirt", Colour=(None, "Blue")) == ["colour: red / blue"]
    assert conflicts("Shirt", "Shirt", size=("M", "L")) == ["size: M / L"]
    assert conflicts("Shirt", "Shirt", size=("M", "")) == []
    assert conflicts("Oil", "Oil", size=("50 ml", "5 cl")) == []
    assert conflicts("Shirt", "Shirt", VariantRules.without(["size"], []), size=("M", "L")) == []
    assert conflicts("Shirt", "Shirt", taste=("sweet", "sour")) == []
    variant_rules = VariantRules.without([], ["taste"])
    assert conflicts("Tea", "Tea", variant_rules, taste=("sweet", "sour")) == ["taste: sweet / sour"]
    assert conflicts("Tea", "Tea", variant_rules, taste=("Very sweet", "very  Sweet ")) == []
    assert conflicts("Tea", "Tea", VariantRules.without([], ["net"]), net=("500ml", "0.5 l")) == []
    assert conflicts("Tea", "Tea", VariantRules.without([], ["net"]), net=(4, 5)) == ["net: 4 / 5"]


def test_a_column_that_is_not_there_or_cannot_be_compared_is_told() -> None:
    with pytest.raises(
        UsageError, match="no column 'size' for --variant-column; the columns are 'id', 'title'"
    ):
        conflicts("a", "b", VariantRules.without([], ["size"]))
    with pytest.raises(UsageError, match="column 'x' is list"):
        conflicts("a", "b", VariantRules.without([], ["x"]), x=([1], [2]))
