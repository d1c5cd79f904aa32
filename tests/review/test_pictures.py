"""Where the review application finds larger pictures, and what it never shows."""

from __future__ import annotations

import io
import os
import re
import shutil
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from fastapi.testclient import TestClient
from PIL import Image
from support.catalogs import draw_picture

from itemsearch.catalog import CatalogConfig
from itemsearch.embed.catalog import EmbedConfig, embed_catalog
from itemsearch.embed.encoder import Encoder
from itemsearch.errors import ReviewError
from itemsearch.review.app import build_app
from itemsearch.review.picture_addresses import PictureAddresses
from itemsearch.review.pictures import SIDES, LargePictures
from itemsearch.review.session import ReviewSession
from itemsearch.search.build import build_index_folder
from itemsearch.search.engine import Engine
from itemsearch.store.kept_pictures import KeepPictures
from itemsearch.web.access import Address

COUNT = 3


def picture(seed: int) -> Image.Image:
    return draw_picture(seed).resize((1800, 2400))


def build(folder: Path, catalog: str, encoder: Encoder, keep: KeepPictures = KeepPictures.EMBEDDED) -> Path:
    """The folder, with a store and an index beside its catalog."""
    config = EmbedConfig(keep_pictures=keep)
    embed_catalog(CatalogConfig(str(folder / catalog)), folder / "store", encoder, config, lambda *_: None)
    build_index_folder(folder / "store", folder / "index")
    return folder


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory, encoder: Encoder) -> Path:
    folder = tmp_path_factory.mktemp("made")
    (folder / "images" / "big").mkdir(parents=True)
    lines = ["id,title,image"]
    for number in range(COUNT):
        picture(number).save(folder / "images" / "big" / f"{number}.png")
        lines.append(f"{number},mug {number},images/big/{number}.png")
    (folder / "shop.csv").write_text("\n".join(lines))
    return build(folder, "shop.csv", encoder)


@pytest.fixture
def shop(made: Path, tmp_path: Path) -> Path:
    """Catalog, pictures, store and index, moved together."""
    return Path(shutil.copytree(made, tmp_path / "shop"))


def larger(folder: Path, where: str = "") -> LargePictures:
    engine = Engine.open(folder / "index")
    return LargePictures.open(engine.listings, engine.summary, where)


def size(jpeg: bytes | None) -> tuple[int, int] | None:
    return Image.open(io.BytesIO(jpeg)).size if jpeg else None


def test_they_are_where_the_catalog_has_them_without_being_told(shop: Path) -> None:
    pictures = larger(shop)
    assert [pictures.has(row) for row in range(COUNT)] == [True] * COUNT
    assert [size(pictures.find(0, side)) for side in SIDES] == [(288, 384), (1200, 1600)]
    assert size(pictures.find(COUNT, SIDES[0])) is None


def test_a_folder_that_was_moved_is_named(shop: Path, tmp_path: Path) -> None:
    (shop / "images" / "big").rename(tmp_path / "elsewhere")
    assert larger(shop).find(1, SIDES[1]) is None
    assert larger(shop).is_anywhere
    assert size(larger(shop, str(tmp_path / "elsewhere")).find(1, SIDES[1])) == (1200, 1600)
    with pytest.raises(ReviewError, match="no such folder"):
        larger(shop, str(tmp_path / "nowhere"))


def test_a_file_with_another_picture_is_not_shown_for_the_listing(shop: Path) -> None:
    Image.new("RGB", (900, 1200), "black").save(shop / "images" / "big" / "1.png")
    assert larger(shop).find(1, SIDES[0]) is None
    assert larger(shop).find(2, SIDES[0]) is not None


@pytest.mark.parametrize("name", ["../secret.png", "/secret.png", "link.png", "pipe.png", "a.html"])
def test_nothing_outside_the_folder_and_no_other_kind_of_file_is_shown(
    shop: Path, tmp_path: Path, name: str
) -> None:
    picture(0).save(tmp_path / "secret.png")
    root = tmp_path / "root"
    root.mkdir()
    (root / "link.png").symlink_to(tmp_path / "secret.png")
    (root / "a.html").write_text("<script>alert(1)</script>")
    os.mkfifo(root / "pipe.png")
    engine = Engine.open(shop / "index")
    column = engine.listings.column_names.index("image_name")
    listings = engine.listings.set_column(column, "image_name", pa.array([name] * COUNT))
    found = LargePictures.open(listings, engine.summary, str(root))
    assert found.find(0, SIDES[0]) is None


def test_pictures_within_the_catalog_come_from_what_the_store_keeps(tmp_path: Path, encoder: Encoder) -> None:
    buffer = io.BytesIO()
    picture(0).save(buffer, "PNG")
    pq.write_table(
        pa.table({"id": ["1"], "title": ["mug"], "image": [buffer.getvalue()]}), tmp_path / "shop.parquet"
    )
    folder = build(tmp_path, "shop.parquet", encoder)
    assert size(larger(folder).find(0, SIDES[1])) == (288, 384)
    (folder / "store").rename(tmp_path / "moved")
    assert larger(folder).find(0, SIDES[0]) is None
    assert not larger(folder).has(0)
    assert not larger(folder).is_anywhere
    assert size(larger(folder, str(tmp_path / "moved")).find(0, SIDES[0])) == (288, 384)


def test_browsers_load_from_elsewhere_only_when_told_and_only_from_there(shop: Path) -> None:
    def open_client(images: str) -> TestClient:
        session = ReviewSession.open(shop / "index", images=images)
        return TestClient(build_app(session, Address()), base_url="http://127.0.0.1:8000")

    def policy(client: TestClient) -> str:
        found = re.search("img-src ([^;]*);", client.get("/search?id=0").headers["content-security-policy"])
        return found[1] if found else ""

    plain = open_client("")
    assert policy(plain) == "'self'"
    assert "https://" not in plain.get("/search?id=0").text
    told = open_client("https://cdn.shop.example/p/{image}?of={id}")
    assert policy(told) == "https://cdn.shop.example 'self'"
    assert "https://cdn.shop.example/p/images/big/0.png?of=0" in told.get("/search?id=0").text
    for wrong in ("https://cdn.shop.example/p", "https://{id}.shop.example/", "https://a;script-src/{id}"):
        with pytest.raises(ReviewError, match="behind its host"):
            open_client(wrong)
    with pytest.raises(ReviewError, match="no picture of this index has a web address"):
        open_client("addresses")


def test_addresses_of_the_catalog_name_their_hosts_and_nothing_else(shop: Path) -> None:
    names = ["https://a.example/1.jpg", "http://ann:secret@b.example/2.jpg", "https://c.example;script-src *"]
    listings = pa.table({"id": ["1", "2", "3"], "image_name": names, "thumbnail": [b"", b"", b""]})
    found = PictureAddresses.of(listings, "addresses")
    assert found.origins == ("https://a.example",)
    assert found.of_row(1) == "http://b.example/2.jpg"


def test_large_pictures_are_served_and_the_small_one_where_there_is_none(shop: Path) -> None:
    client = TestClient(
        build_app(ReviewSession.open(shop / "index"), Address()), base_url="http://127.0.0.1:8000"
    )
    page = client.get("/search?id=0").text
    address = re.findall(r'href="(/pictures/1600/[^"]+)"', page)[0]
    large = client.get(address)
    assert (size(large.content), "immutable" in large.headers["cache-control"]) == ((1200, 1600), True)
    assert client.get(address.replace("1600", "5000")).status_code == 404
    shutil.rmtree(shop / "images")
    small = client.get(address)
    assert (size(small.content), "immutable" in small.headers["cache-control"]) == ((72, 96), False)
