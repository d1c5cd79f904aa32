from __future__ import annotations

import gzip
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from support.catalogs import draw_picture, titles

from itemsearch.benchmarks.data.predictions import EVERYTHING
from itemsearch.benchmarks.metrics.ranked import MEAN_F1
from itemsearch.errors import CatalogError, CatalogNotFoundError, UsageError


def picture(path: Path, seed: int) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    draw_picture(seed).save(path)


def shopee(folder: Path) -> None:
    lines = ["posting_id,image,image_phash,title,label_group"]
    for number, title in enumerate(titles(12)):
        lines.append(f'train_{number},{number}.jpg,94974f937d4c2433,"{title}, new",{number // 2}')
        picture(folder / "train_images" / f"{number}.jpg", number // 2)
    (folder / "train.csv").write_text("\n".join(lines) + "\n")


def online_products(folder: Path) -> None:
    lines = ["image_id class_id super_class_id path"]
    for number in range(12):
        path = f"{('mug', 'lamp')[number % 2]}_final/1109{number}_0.JPG"
        lines.append(f"{number + 1} {number // 4 + 1} {number % 2 + 1} {path}")
        picture(folder / path, number // 4)
    (folder / "Ebay_test.txt").write_text("\n".join(lines) + "\n")


def berkeley_objects(folder: Path) -> None:
    images = ["image_id,height,width,path"]
    listings = []
    for number, title in enumerate(titles(8)):
        for photo in ("a", "b"):
            images.append(f"{number}{photo},64,48,{number % 3}f/{number}{photo}.jpg")
            picture(folder / "images/small" / f"{number % 3}f/{number}{photo}.jpg", number)
        name = [{"language_tag": "de_DE", "value": "Ding"}, {"language_tag": "en_US", "value": title}]
        listing = {"item_id": f"B{number}", "item_name": name, "product_type": [{"value": "MUG"}]}
        photos = {"main_image_id": f"{number}a", "other_image_id": [f"{number}b", "gone"]}
        listings.append({**listing, **(photos if number else {})})
    (folder / "images/metadata").mkdir()
    (folder / "listings/metadata").mkdir(parents=True)
    with gzip.open(folder / "images/metadata/images.csv.gz", "wt") as file:
        file.write("\n".join(images) + "\n")
    with gzip.open(folder / "listings/metadata/listings_0.json.gz", "wt") as file:
        file.writelines(json.dumps(listing) + "\n" for listing in [*listings, listings[1]])


def fashion(folder: Path) -> None:
    head = "id,gender,masterCategory,subCategory,articleType,baseColour,season,year,usage,productDisplayName"
    lines = [head]
    for number, title in enumerate(titles(6)):
        lines.append(f"{number},Men,Apparel,Topwear,Shirts,Blue,Fall,2011,Casual,{title}, pack of 2")
        picture(folder / "images" / f"{number}.jpg", number)
    lines.append("99,Men,Apparel,Topwear,Shirts,Blue,Fall,2011,Casual,A picture that was never there")
    (folder / "styles.csv").write_text("\n".join(lines) + "\n")


@pytest.mark.parametrize(
    ("name", "write", "queries", "gallery"),
    [
        ("shopee", shopee, 12, 12),
        ("online-products", online_products, 12, 12),
        ("berkeley-objects", berkeley_objects, 7, 7),
        ("fashion-product-images", fashion, 6, 6),
    ],
)
def test_a_public_set_is_read_as_it_is_downloaded(
    benchmark: Callable[..., Any],
    tiny_model: Path,
    tmp_path: Path,
    name: str,
    write: Callable[[Path], None],
    queries: int,
    gallery: int,
) -> None:
    (tmp_path / "set").mkdir()
    write(tmp_path / "set")
    arguments = ["retrieval", tmp_path / "set", "--dataset", name, "--model", tiny_model, "--no-baselines"]
    metrics = benchmark(*arguments, "--out", tmp_path / "run")
    assert metrics["galleries"][EVERYTHING]["queries"] == queries
    figures = metrics["galleries"][EVERYTHING]["figures"]["itemsearch"]
    assert figures["recall@1"]["value"] > 0.5
    assert (MEAN_F1 in figures) == (name in ("shopee", "online-products"))
    config = json.loads((tmp_path / "run" / "config.json").read_text())
    assert f"searched in {gallery} listings." in config["summary"]
    assert benchmark("report", tmp_path / "run") == metrics


def test_unknown_sets_and_missing_files_are_refused(benchmark: Callable[..., Any], tmp_path: Path) -> None:
    def read(name: str) -> None:
        benchmark("retrieval", tmp_path, "--dataset", name, "--out", tmp_path / "run")

    with pytest.raises(UsageError, match="no such data set; there are shopee"):
        read("amazon")
    with pytest.raises(CatalogNotFoundError, match=r"styles.csv: missing; fashion-product-images needs it"):
        read("fashion-product-images")
    (tmp_path / "train.csv").write_text("posting,title\n1,mug\n")
    with pytest.raises(CatalogError, match="not the files of shopee"):
        read("shopee")
    with pytest.raises(UsageError, match="one of --queries, --same and --dataset"):
        benchmark("retrieval", tmp_path, "--dataset", "shopee", "--same", "a", "--out", tmp_path / "run")
