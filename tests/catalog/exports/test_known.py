from __future__ import annotations

import pytest

from itemsearch.catalog import CatalogConfig, check_catalog, open_catalog
from itemsearch.catalog.exports.known import KNOWN_EXPORTS
from itemsearch.errors import MissingColumnError
from tests.support.exports import MINIATURES


@pytest.fixture
def read(tmp_path):
    """read(name of an export, **settings) -> the catalog, and its listings by id."""

    def to_listings(name, **settings):
        catalog = open_catalog(CatalogConfig(str(MINIATURES[name](tmp_path)), **settings))
        batches = list(catalog.batches())
        assert [reject.message for batch in batches for reject in batch.rejects] == []
        return catalog, {listing.id: listing for batch in batches for listing in batch.items}

    return to_listings


def test_every_export_has_a_miniature():
    assert [export.name for export in KNOWN_EXPORTS] == list(MINIATURES)


@pytest.mark.parametrize("name", MINIATURES)
def test_recognised_and_whole(read, name):
    catalog, listings = read(name)
    assert catalog.export is not None
    assert catalog.export.name == name
    assert all(listing.title for listing in listings.values())
    assert any(listing.image is not None for listing in listings.values())


@pytest.mark.parametrize(
    ("name", "titles"),
    [
        (
            "Shopify products",
            {"mug": "Stoneware Mug", "apron": "Linen Apron", "apron-1": "Linen Apron (Copy)"},
        ),
        ("Shopify products since 2025", {"throw": "Wool Throw"}),
        ("WooCommerce products", {"101": "Walnut Mug, large", "102": "Woven Throw"}),
        ("Magento 1 products", {"B-1": "Duffle Bag", "B-2": "Yoga Bag"}),
        ("Magento 2 products", {"MB": "Duffle Bag", "MH": "Hoodie"}),
        ("Google Merchant feed", {"A-1": "Running Shoe 42 Blue", "A-2": "Monitor Stand"}),
        ("Amazon metadata of 2023", {"B1": "Brush & Case", "B2": "Brush"}),
        ("Amazon metadata of 2018", {"001": "Brush", "002": "Brush two"}),
        (
            "Open Food Facts",
            {"0000101209159": "Bovetti Hazelnut spread 350 g", "3017620422003": "Ferrero Nutella"},
        ),
        ("Fashion Product Images (Kaggle)", {"15970": "Turtle Check Men Navy Blue Shirt"}),
        ("Shopee product matching", {"train_1": "Paper Bag Victoria Secret", "train_2": "Double Tape 3M"}),
        ("Hugging Face image folder", {"0001.png": "A mug", "0002.png": "An apron"}),
        (
            "Hugging Face data set",
            {"train-00000-of-00001-1": "A mug", "train-00000-of-00001-2": "An apron"},
        ),
    ],
)
def test_ids_and_titles(read, name, titles):
    _, listings = read(name)
    assert {id: listing.title for id, listing in listings.items()} == titles


@pytest.mark.parametrize(
    ("name", "continued"),
    [
        ("Shopify products", 2),
        ("WooCommerce products", 2),
        ("Magento 1 products", 2),
        ("Magento 2 products", 3),
    ],
)
def test_rows_that_continue_a_listing_are_counted(tmp_path, name, continued):
    summary = check_catalog(CatalogConfig(str(MINIATURES[name](tmp_path))))
    assert summary.continued == continued
    assert summary.rows == summary.listings


def test_variants_are_carried_with_their_product(read):
    catalog, _ = read("Shopify products")
    carried = next(catalog.batches()).carried.to_pylist()
    assert carried[0]["Variant SKU"] == "M-B, M-S"
    assert carried[0]["Option1 Value"] == "Blue, Sand"
    assert carried[0]["Variant Price"] == "14"


@pytest.mark.parametrize(
    ("name", "pictures"),
    [
        ("Shopify products", {"mug": 3, "apron": 1, "apron-1": 1}),
        ("Shopify products since 2025", {"throw": 2}),
        ("WooCommerce products", {"101": 2, "102": 2}),
        ("Magento 1 products", {"B-1": 2, "B-2": 1}),
        ("Magento 2 products", {"MB": 2, "MH": 1}),
        ("Google Merchant feed", {"A-1": 3, "A-2": 1}),
        ("Amazon metadata of 2023", {"B1": 1, "B2": 0}),
    ],
)
def test_all_pictures_of_a_listing_are_read(read, name, pictures):
    _, listings = read(name)
    counts = {id: (one.image is not None) + len(one.other_images) for id, one in listings.items()}
    assert counts == pictures


def test_a_column_that_the_user_names_wins(read):
    catalog, listings = read("Shopify products", columns={"title": "Variant SKU"})
    assert catalog.columns["id"] == ("Handle",)
    assert listings["mug"].title == "M-B, M-S"


def test_own_names_win_over_recognition(write):
    path = write("feed.csv", "id,title,image,image_link\n1,Mug,,a.png\n")
    assert open_catalog(CatalogConfig(str(path))).export is None


def test_files_of_two_kinds_are_no_export(tmp_path):
    MINIATURES["Shopify products"](tmp_path)
    MINIATURES["Google Merchant feed"](tmp_path)
    with pytest.raises(MissingColumnError, match="no column 'id'"):
        open_catalog(CatalogConfig(str(tmp_path)))


def test_a_column_of_file_names_alone_tells_nothing(write):
    path = write("shop.csv", "sku,name,file_name\n1,Mug,a.png\n")
    with pytest.raises(MissingColumnError, match="no column 'id'"):
        open_catalog(CatalogConfig(str(path)))
