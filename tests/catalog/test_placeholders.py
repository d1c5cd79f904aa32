from __future__ import annotations

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from itemsearch.catalog import CatalogConfig, find_placeholders, open_catalog
from itemsearch.catalog.placeholders import LEAST_LISTINGS

UNLIKE = [
    "Steel water bottle 500 ml",
    "Wooden dining chair oak",
    "Cotton t-shirt men",
    "USB-C charging cable 2 m",
    "Garden hose 25 m",
    "Red ceramic mug",
    "Leather wallet brown",
    "Children rain boots",
]
VARIANTS = [
    f"Nova windproof umbrella {size} cm {colour}"
    for size in (90, 100)
    for colour in ("red", "blue", "tan", "lime")
]
OFFERS = [
    "Samsung QE55Q60R 55 inch QLED TV",
    "55in 4K QLED television Samsung QE55Q60R",
    "QE55Q60RATXXU Samsung Smart TV 55 Zoll",
    "TV Samsung QE55Q60R QLED 4K UHD",
    "Samsung Q60R 55 QLED QE55Q60R television",
]


def found(write, encode, rows):
    """rows: (title, colour of the picture or ""); returns the (name, listings) of each placeholder."""
    for colour in {colour for _, colour in rows if colour}:
        write(f"images/{colour}.png", encode(colour))
    lines = [f"{i},{title},{colour and f'images/{colour}.png'}" for i, (title, colour) in enumerate(rows)]
    catalog = open_catalog(CatalogConfig(str(write("c.csv", "\n".join(["id,title,image", *lines])))))
    return [(each.name, each.listings) for each in find_placeholders(catalog)]


def test_a_picture_of_unlike_titles_is_one_and_that_of_variants_or_offers_is_none(write, encode):
    rows = [(title, "grey") for title in UNLIKE]
    rows += [(title, "red") for title in VARIANTS] + [(title, "blue") for title in OFFERS]
    rows += [("", "grey"), ("lamp", "green"), ("", "tan"), ("fan", "")]
    assert found(write, encode, rows) == [("images/grey.png", 9)]


@pytest.mark.parametrize("titles", [VARIANTS, OFFERS, ["lamp"] * 9, [""] * 9])
def test_a_catalog_of_one_product_has_none(write, encode, titles):
    assert found(write, encode, [(title, "red") for title in titles]) == []


def test_few_listings_are_too_few(write, encode):
    rows = [(title, "grey") for title in UNLIKE]
    assert found(write, encode, rows[: LEAST_LISTINGS - 1]) == []
    assert found(write, encode, rows[:LEAST_LISTINGS]) == [("images/grey.png", LEAST_LISTINGS)]


def test_copies_under_other_names_and_embedded_ones_are_one_picture(write, encode, tmp_path):
    for i in range(len(UNLIKE)):
        write(f"{i}.png", encode("grey"))
    lines = [f"{i},{title},{i}.png" for i, title in enumerate(UNLIKE)]
    files = open_catalog(CatalogConfig(str(write("c.csv", "\n".join(["id,title,image", *lines])))))
    table = pa.table({"id": list(map(str, range(8))), "title": UNLIKE, "image": [encode("grey")] * 8})
    pq.write_table(table, tmp_path / "p.parquet")
    embedded = open_catalog(CatalogConfig(str(tmp_path / "p.parquet")))
    ((one,), (other,)) = find_placeholders(files), find_placeholders(embedded)
    assert (one.name, other.name) == ("1.png", "the image of id '1'")
    assert (one.listings, one.digest) == (other.listings, other.digest) == (8, one.digest)


def test_the_order_of_rows_does_not_matter(write, encode):
    many = [(f"{title} {word}", "grey") for word in ("new", "old", "small", "big") for title in UNLIKE]
    mixed = [(title, "grey") for title in VARIANTS]
    assert (
        found(write, encode, many + mixed) == found(write, encode, mixed + many) == [("images/grey.png", 40)]
    )


def test_a_catalog_without_pictures_is_not_read_twice(write):
    catalog = open_catalog(CatalogConfig(str(write("c.csv", "id,title\n1,a\n"))))
    assert find_placeholders(catalog) == ()


def test_a_page_that_many_addresses_gave_is_no_picture_and_no_placeholder(write):
    write("404.jpg", "<html>404")
    lines = [f"{i},{title},404.jpg" for i, title in enumerate(UNLIKE)]
    catalog = open_catalog(CatalogConfig(str(write("c.csv", "\n".join(["id,title,image", *lines])))))
    assert find_placeholders(catalog) == ()
    (batch,) = catalog.batches()
    assert all(listing.image_problem for listing in batch.items)


def test_the_picture_after_a_placeholder_is_the_listing_s(write, encode):
    write("grey.png", encode("grey"))
    write("red.png", encode("red"))
    lines = [f'{i},{title},"grey.png,{"red" if i == 0 else i}.png"' for i, title in enumerate(UNLIKE)]
    catalog = open_catalog(CatalogConfig(str(write("c.csv", "\n".join(["id,title,image", *lines])))))
    (batch,) = catalog.batches(placeholders=[each.digest for each in find_placeholders(catalog)])
    first, second = batch.items[:2]
    assert (first.image_number, first.placeholder) == (2, False)
    assert (second.image_number, second.placeholder) == (0, True)
    assert second.image_problem, "its other picture is missing"


def test_a_listing_with_a_placeholder_has_no_image_and_the_hash_of_its_title(write, encode):
    write("grey.png", encode("grey"))
    write("red.png", encode("red"))
    lines = [f"{i},{title},grey.png" for i, title in enumerate(UNLIKE)]
    catalog = open_catalog(
        CatalogConfig(str(write("c.csv", "\n".join(["id,title,image", *lines, "a,lamp,red.png"]))))
    )
    (batch,) = catalog.batches(placeholders=[each.digest for each in find_placeholders(catalog)])
    titled = open_catalog(CatalogConfig(str(write("t.csv", f"id,title\n0,{UNLIKE[0]}\n"))))
    assert batch.items[0].content_hash == next(titled.batches()).items[0].content_hash
    assert [(p.placeholder, p.image is None) for p in batch.items] == [(True, True)] * 8 + [(False, False)]
