from __future__ import annotations

import pytest

from itemsearch.attributes.identifiers import Unusable
from itemsearch.catalog import CatalogConfig, check_catalog
from itemsearch.errors import EmptyCatalogError
from itemsearch.types import RejectReason


def test_counts_and_first_examples(write, encode):
    write("a.png", encode())
    rows = ["1,a,a.png,x", "2,,a.png,x", "3,c,,y", "4,d,,", ",e,,z", "5,,,z", *(f"1,{i},," for i in range(5))]
    path = write("c.csv", "\n".join(["id,title,image,category", *rows]))
    check = check_catalog(CatalogConfig(str(path), batch_rows=4))
    assert (check.rows, check.listings) == (11, 4)
    assert (check.without_title, check.without_image, check.categories) == (1, 2, 2)
    assert check.rejects == {RejectReason.MISSING_ID: 1, RejectReason.EMPTY: 1, RejectReason.DUPLICATE_ID: 5}
    examples = {reason: [reject.row for reject in found] for reason, found in check.examples.items()}
    assert examples == {
        RejectReason.MISSING_ID: [5],
        RejectReason.EMPTY: [6],
        RejectReason.DUPLICATE_ID: [7, 8, 9],
    }


def test_empty(write):
    with pytest.raises(EmptyCatalogError):
        check_catalog(CatalogConfig(str(write("c.csv", "id,title\n"))))


def test_titles_that_are_none_are_counted_in_usable_and_in_rejected_rows(write, encode):
    write("a.png", encode())
    rows = ["1,nan,", "2,nan,a.png", "3,N/A,", "4,lamp,", "5,,a.png", "6,nan,none.png"]
    check = check_catalog(CatalogConfig(str(write("c.csv", "\n".join(["id,title,image", *rows])))))
    assert list(check.no_titles.items()) == [("nan", 3), ("N/A", 1)]
    assert (check.listings, check.without_title) == (3, 2)
    assert "'nan' is no title" in check.examples[RejectReason.EMPTY][0].message


def test_placeholders_are_named_and_rows_with_nothing_else_are_rejected(write, encode):
    write("images/none.png", encode("grey"))
    things = [
        "Steel bottle 500 ml",
        "Oak dining chair",
        "Cotton shirt",
        "Garden hose 25 m",
        "Red mug",
        "Desk lamp",
    ]
    rows = [f"{i},{title},images/none.png" for i, title in enumerate(things)]
    path = write("c.csv", "\n".join(["id,title,image", *rows, "u,,images/none.png", "n,nan,images/none.png"]))
    check = check_catalog(CatalogConfig(str(path), batch_rows=3))
    (placeholder,) = check.placeholders
    assert (placeholder.name, placeholder.listings) == ("images/none.png", 8)
    assert (check.listings, check.without_image, check.placeholder_images) == (6, 6, 6)
    assert check.rejects == {RejectReason.PLACEHOLDER: 2}
    assert [reject.message for reject in check.examples[RejectReason.PLACEHOLDER]] == [
        f"c.csv line {line}: image 'images/none.png': a placeholder, which many listings with unlike titles "
        f"share, and {why}"
        for line, why in ((8, "there is no title"), (9, "'nan' is no title"))
    ]


def test_identifier_columns_are_counted_by_name_and_reason(write):
    gtins = ["4006381333931", "4.00638E+12", "0", "4006381333930", "12345", "", "036000291452"]
    rows = [f"{i},t {i},{gtin},QE55Q60R" for i, gtin in enumerate(gtins)]
    rows += [f"s{i},s {i},8801643000004,nan" for i in range(21)]
    check = check_catalog(CatalogConfig(str(write("c.csv", "\n".join(["id,title,GTIN,mpn", *rows])))))
    assert list(check.identifiers) == ["GTIN", "mpn"]
    gtin, mpn = check.identifiers.values()
    assert (gtin.rows, gtin.valid) == (27, 2)
    assert gtin.unusable == {
        Unusable.EXPONENT: 1,
        Unusable.PLACEHOLDER: 1,
        Unusable.SHORT: 1,
        Unusable.SHARED: 21,
    }
    assert (mpn.rows, mpn.valid, mpn.unusable) == (28, 7, {Unusable.PLACEHOLDER: 21})


def test_the_columns_and_those_that_go_by_another_name(write):
    header = "id,brand,name,price,price,embedding,id,Id,category,"
    path = write("c.csv", f"{header}\n1,Acme,Mug,2,3,.5,x,y,A>B,z\n2,Acme,Cup,2,3,.5,x,y,C,z\n")
    check = check_catalog(CatalogConfig(str(path), {"title": "brand+name"}))
    assert check.columns == {"id": ("id",), "title": ("brand", "name"), "category": ("category",)}
    assert check.renamed == {
        "price_2": "price",
        "catalog.embedding": "embedding",
        "id_2": "id",
        "column_10": "",
    }
    assert (check.categories, check.category_paths) == (2, 1)
