"""Small catalogs that once were decided wrongly, decided by the shipped weights."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from support.catalogs import draw_picture

from itemsearch.catalog import CatalogConfig
from itemsearch.duplicates.run import RunConfig, find_duplicates
from itemsearch.embed.catalog import EmbedConfig, embed_catalog
from itemsearch.embed.encoder import Encoder, open_encoder
from itemsearch.indexes.progress import silent
from itemsearch.search.build import build_index_folder
from itemsearch.search.engine import Engine

Decisions = dict[tuple[str, str], tuple[str, str]]


@pytest.fixture(scope="module")
def shipped() -> Encoder:
    return open_encoder("default", "cpu")


def decide(folder: Path, encoder: Encoder, header: Sequence[str], rows: Sequence[Sequence[str]]) -> Path:
    with (folder / "shop.csv").open("w", newline="") as file:
        csv.writer(file).writerows([header, *rows])
    config = CatalogConfig(str(folder / "shop.csv"))
    embed_catalog(config, folder / "store", encoder, EmbedConfig(), silent)
    build_index_folder(folder / "store", folder / "index")
    engine = Engine.open(folder / "index")
    find_duplicates(engine, folder / "out", RunConfig(), silent)
    return folder / "out"


def decisions(out: Path) -> Decisions:
    pairs = pq.read_table(out / "pairs.parquet").to_pylist()
    return {(pair["id_a"], pair["id_b"]): (pair["decision"], pair["reason"]) for pair in pairs}


def groups(out: Path) -> list[set[str]]:
    found: dict[str, set[str]] = {}
    for member in pq.read_table(out / "groups.parquet").to_pylist():
        found.setdefault(member["group_id"], set()).add(member["id"])
    return sorted(found.values(), key=len)


VARIANTS = {
    "phone": ("Silicone phone case for iPhone 13 Pro", "Silicone phone case for iPhone 13 Pro Max"),
    "glasses": ("Reading glasses round metal +1.50", "Reading glasses round metal +2.50"),
    "pan": ("Pressure cooker 3rd generation", "Pressure cooker 4th generation"),
    "bed": ("Egyptian cotton duvet cover set king", "Egyptian cotton duvet cover set queen"),
    "boots": ("Leather ankle boots brown EU 38", "Leather ankle boots brown EU 39"),
    "year": ("Wall calendar 2024 mountain photographs", "Wall calendar 2025 mountain photographs"),
    "part": ("Vacuum cleaner bagless upright", "Vacuum cleaner bagless upright replacement filter"),
    "scent": ("Scented soy candle 200 g lavender", "Scented soy candle 200 g sandalwood"),
    "de": ("Kopfhörer kabellos schwarz", "Kopfhörer kabellos weiß"),
    "fr": ("Bougies parfumées lot de 3", "Bougies parfumées lot de 12"),
    "ru": ("Наушники беспроводные чёрные", "Наушники беспроводные белые"),
    "zh": ("无线蓝牙耳机 主动降噪 黑色", "无线蓝牙耳机 主动降噪 白色"),
}


def test_variants_of_one_picture_are_never_duplicates(tmp_path: Path, shipped: Encoder) -> None:
    rows = []
    for number, (name, titles) in enumerate(VARIANTS.items()):
        draw_picture(number).resize((160, 160)).save(tmp_path / f"{name}.png")
        rows += [[f"{name}-{side}", title, f"{name}.png"] for side, title in zip("ab", titles, strict=True)]
    draw_picture(99).resize((160, 160)).save(tmp_path / "bottle.png")
    rows += [
        ["bottle-a", "Stainless steel water bottle 750 ml black", "bottle.png"],
        ["bottle-b", "SS water bottle 750ml blk", "bottle.png"],
    ]
    found = decisions(decide(tmp_path, shipped, ["id", "title", "image"], rows))
    for name in VARIANTS:
        decision, reason = found[f"{name}-a", f"{name}-b"]
        assert decision == "variant", (name, reason)
        assert ": alike, but " in reason
    assert found["bottle-a", "bottle-b"][0] == "duplicate"


def test_equal_identifiers_find_what_titles_do_not(tmp_path: Path, shipped: Encoder) -> None:
    rows = [
        ["o1", "Bosch Serie 4 WAN28281GB Washing Machine White", "4006381333931"],
        ["o2", "Freestanding 8kg washer 1400rpm A+++", "4006381333931"],
        ["o3", "Waschmaschine 8 kg weiss", "04006381333931"],
        ["o6", "Cotton T-Shirt Black", "036000291452"],
        ["o7", "Cotton T-Shirt Black", "9780306406157"],
        ["o8", "Desk lamp", "0"],
        ["o9", "Kettle", "0"],
        ["p1", "Garden hose 25 m", "4.00638E+12"],
        ["p2", "Leather wallet brown", "4.00638E+12"],
    ]
    out = decide(tmp_path, shipped, ["id", "title", "gtin"], rows)
    assert groups(out) == [{"o1", "o2", "o3"}]
    found = decisions(out)
    assert "gtin 04006381333931 is of both" in found["o2", "o3"][1]
    assert {found[pair][0] for pair in (("o1", "o2"), ("o1", "o3"), ("o2", "o3"))} == {"duplicate"}
    assert found["o6", "o7"][0] == "variant"
    assert "gtin: 00036000291452 / 09780306406157" in found["o6", "o7"][1]
    assert not {("o8", "o9"), ("p1", "p2")} & found.keys()


def test_an_equal_number_is_proof_but_for_titles_that_contradict_it(tmp_path: Path, shipped: Encoder) -> None:
    rows = [
        ["same-a", "Desk lamp with a wooden foot", "4006381333931"],
        ["same-b", "Luminaire sur pied", "4006381333931"],
        ["size-a", "Cotton duvet cover king size", "9780306406157"],
        ["size-b", "Quilt case, queen size, pure linen", "9780306406157"],
        *([f"other-{number}", f"Wooden toy train number {number}", ""] for number in range(20)),
    ]
    found = decisions(decide(tmp_path, shipped, ["id", "title", "gtin"], rows))
    assert found["same-a", "same-b"][0] == "duplicate"
    assert found["size-a", "size-b"][0] == "variant"


def test_identical_listings_are_one_group(tmp_path: Path, shipped: Encoder) -> None:
    rows = [[f"p{number}", "Plain white mug"] for number in range(120)]
    out = decide(tmp_path, shipped, ["id", "title"], rows)
    assert groups(out) == [{f"p{number}" for number in range(120)}]
