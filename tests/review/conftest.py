from __future__ import annotations

import csv
import shutil
from pathlib import Path

import pytest
from support.browsers import browser, chromium  # noqa: F401 (fixtures)
from support.catalogs import draw_picture
from support.run_folders import a_group, a_pair, write_run_folder

from itemsearch.catalog import CatalogConfig
from itemsearch.embed.catalog import EmbedConfig, embed_catalog
from itemsearch.embed.encoder import Encoder
from itemsearch.search.build import build_index_folder

EVIL = (
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "'/><svg onload=alert(1)>",
    '=HYPERLINK("http://evil.example")',
    "</script><script>alert(1)</script>",
    "{{ 7 * 7 }} {% raw %} &lt;b&gt; \u2028 \\u003c",
)


@pytest.fixture
def own_index(index: Path, tmp_path: Path) -> Path:
    """A copy, so that decisions on it are the test's own."""
    return Path(shutil.copytree(index, tmp_path / "index"))


@pytest.fixture
def found(own_index: Path, tmp_path: Path) -> Path:
    """Two groups to review, one automatic, and a variant."""
    pairs = [
        a_pair("00000", "00001"),
        a_pair("00000", "00002", same_image=True),
        a_pair("00010", "00011", probability=0.6),
        a_pair("00020", "00021", probability=0.97),
        a_pair("00030", "00031", "variant", conflicts=["colour: red / green"]),
    ]
    groups = [
        a_group("big", ["00000", "00001", "00002"]),
        a_group("small", ["00010", "00011"]),
        a_group("sure", ["00020", "00021"], "automatic"),
    ]
    return write_run_folder(tmp_path / "found", own_index, pairs, groups)


@pytest.fixture(scope="session")
def evil_found(tmp_path_factory: pytest.TempPathFactory, encoder: Encoder) -> Path:
    """Listings whose every text tries to run as a script or a formula."""
    folder = tmp_path_factory.mktemp("evil")
    with (folder / "catalog.csv").open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["id", "title", "image", "category", "seller"])
        for number, text in enumerate(EVIL):
            draw_picture(number).save(folder / f"{number}.png")
            writer.writerow([f"{text}{number}", f"{text} mug", f"{number}.png", text, text])
    config = CatalogConfig(str(folder / "catalog.csv"))
    embed_catalog(config, folder / "store", encoder, EmbedConfig(), lambda rows, rejected: None)
    build_index_folder(folder / "store", folder / "index")
    ids = sorted(f"{text}{number}" for number, text in enumerate(EVIL))
    pairs = [
        a_pair(a, b, decision, conflicts=[f"colour: {EVIL[0]} / {EVIL[1]}"], reason=EVIL[2])
        for a, b, decision in zip(ids, ids[1:], ["duplicate", "variant"] * 3, strict=False)
    ]
    groups = [a_group(f"{EVIL[1]}{place}", ids[place : place + 2], flag=EVIL[0]) for place in (0, 2, 4)]
    return write_run_folder(folder / "found", folder / "index", pairs, groups)
