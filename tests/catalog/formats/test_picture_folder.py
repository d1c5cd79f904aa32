from __future__ import annotations

import pytest
from PIL import Image

from itemsearch.catalog import CatalogConfig, check_catalog, open_catalog
from itemsearch.errors import CatalogError


@pytest.fixture
def pictures(tmp_path):
    """A folder of pictures in two subfolders, and of a file that is none."""
    for number, name in enumerate(("mugs/a.png", "mugs/b.jpg", "lamps/desk/c.webp")):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.new("RGB", (8, 6), (50 * number, 90, 200)).save(path)
    (tmp_path / "manual.pdf").write_bytes(b"%PDF-1.7")
    return tmp_path


def test_a_picture_is_a_listing(pictures):
    listings = [
        listing for batch in open_catalog(CatalogConfig(str(pictures))).batches() for listing in batch.items
    ]
    assert [(listing.id, listing.category) for listing in listings] == [
        ("lamps/desk/c.webp", "lamps > desk"),
        ("mugs/a.png", "mugs"),
        ("mugs/b.jpg", "mugs"),
    ]
    assert all(listing.image is not None for listing in listings)


def test_what_is_no_picture_is_said(pictures):
    summary = check_catalog(CatalogConfig(str(pictures)))
    assert summary.formats == {"a folder of pictures": 1}
    assert [each.example for each in summary.left_out] == [str(pictures / "manual.pdf")]


def test_a_table_beside_pictures_is_the_catalog(pictures):
    (pictures / "shop.csv").write_text("id,title,image\n1,Mug,mugs/a.png\n")
    assert check_catalog(CatalogConfig(str(pictures))).rows == 1


def test_a_picture_alone_is_no_catalog(pictures):
    with pytest.raises(CatalogError, match="a picture, not a catalog"):
        open_catalog(CatalogConfig(str(pictures / "mugs/a.png")))
