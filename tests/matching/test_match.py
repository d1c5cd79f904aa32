"""Feeds matched with an index: what is there is found, what is not is new, and every row is accounted for."""

from __future__ import annotations

from itertools import permutations
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
from support.catalogs import draw_picture
from support.feeds import Row, product, product_title, write_listings

from itemsearch import Engine
from itemsearch.catalog import CatalogConfig
from itemsearch.duplicates.run import RunConfig, find_duplicates
from itemsearch.embed.catalog import EmbedConfig, embed_catalog
from itemsearch.embed.encoder import Encoder
from itemsearch.errors import UsageError
from itemsearch.matching.feed import MatchReport, match_feed
from itemsearch.matching.incoming import texts_of
from itemsearch.matching.matcher import MatchConfig
from itemsearch.matching.results import MATCHES_SCHEMA, Answer
from itemsearch.search.build import build_index_folder
from itemsearch.types import Reject

LISTED = 150
CATALOG = [product(number, f"shop-{number}", gtin="") for number in range(LISTED)]
KNOWN, NEW = range(0, 120), range(300, 400)
BY_DEFAULT = MatchConfig()
FEED = [
    *(product(number, f"feed-{number}", f"Original {product_title(number)} offer") for number in KNOWN),
    *(product(number, f"feed-{number}") for number in NEW),
]


def build(folder: Path, rows: list[Row], encoder: Encoder) -> Path:
    catalog = CatalogConfig(str(write_listings(folder, "catalog.csv", rows)))
    embed_catalog(catalog, folder / "store", encoder, EmbedConfig(), lambda rows, rejected: None)
    build_index_folder(folder / "store", folder / "index")
    return folder / "index"


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory, encoder: Encoder) -> Path:
    return build(tmp_path_factory.mktemp("shop"), CATALOG, encoder)


def run(
    index: Path, folder: Path, rows: list[Row], config: MatchConfig = BY_DEFAULT, batch_rows: int = 512
) -> tuple[MatchReport, dict[str, dict], list[Reject]]:
    rejects: list[Reject] = []
    feed, out = write_listings(folder, "feed.csv", rows), folder / "matches.parquet"
    engine = Engine.open(index, device="cpu")
    source = CatalogConfig(str(feed), batch_rows=batch_rows)
    report = match_feed(engine, source, out, config, rejects.append, lambda rows: None)
    table = pq.read_table(out)
    assert table.schema.equals(MATCHES_SCHEMA)
    matches = {row["query_id"]: row for row in table.to_pylist()}
    assert report.rows == report.answered + report.rejected == len(rows)
    assert report.answered == sum(report.answers.values()) == table.num_rows == len(matches)
    assert report.rejected == len(rejects)
    return report, matches, rejects


def test_listings_that_are_there_are_found_and_others_are_new(shop: Path, tmp_path: Path) -> None:
    report, matches, _ = run(shop, tmp_path, FEED)
    found = {id for id, match in matches.items() if match["decision"] != Answer.NEW}
    right = {f"feed-{number}" for number in KNOWN if matches[f"feed-{number}"]["id"] == f"shop-{number}"}
    assert len(right) >= 0.9 * len(KNOWN)
    assert len(found - {f"feed-{number}" for number in KNOWN}) <= 0.05 * len(NEW)
    automatic = [match for match in matches.values() if match["decision"] == Answer.MATCH]
    assert len(automatic) >= 0.5 * len(KNOWN)
    wrong = [match for match in automatic if match["id"] != match["query_id"].replace("feed", "shop")]
    assert len(wrong) <= 0.08 * len(automatic)
    assert report.learnt_from == "the first 220 listings of the feed"
    for match in matches.values():
        assert (match["id"] is None) == (match["decision"] == Answer.NEW)
        assert len(match["candidates"]) == 5
        assert match["candidates"][0]["probability"] == match["probability"]
        assert match["reason"]


def test_rows_of_one_product_are_told_within_the_feed(shop: Path, tmp_path: Path) -> None:
    again = [product(number, f"again-{number}", f"{product_title(number)} new") for number in (301, 302)]
    report, matches, _ = run(shop, tmp_path, [*FEED, *again])
    for number in (301, 302):
        pair = matches[f"feed-{number}"], matches[f"again-{number}"]
        assert [match["decision"] for match in pair] == [Answer.NEW, Answer.NEW]
        assert pair[0]["same_in_feed"] == f"again-{number}"
        assert pair[1]["same_in_feed"] == f"feed-{number}"
    assert 4 <= report.same_in_feed <= 0.1 * report.answered


def test_rows_of_two_blocks_are_told_by_the_listing_that_they_match(
    shop: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("itemsearch.matching.feed.BLOCK_ROWS", 220)
    again = [product(number, f"again-{number}", f"{product_title(number)} sale") for number in range(40)]
    report, matches, _ = run(shop, tmp_path, [*FEED, *again], batch_rows=220)
    assert report.learnt_from == "the first 220 listings of the feed"
    told = [matches[f"again-{number}"]["same_in_feed"] for number in range(40)]
    matched = [
        number
        for number in range(40)
        if {matches[f"{name}-{number}"]["decision"] for name in ("feed", "again")} == {Answer.MATCH}
    ]
    assert len(matched) >= 10
    assert all(told[number] == f"feed-{number}" for number in matched)


def test_rows_that_cannot_be_read_are_told_and_counted(shop: Path, tmp_path: Path) -> None:
    bad = [
        {"id": "", "title": "no id"},
        {"id": "feed-0", "title": "an id twice"},
        {"id": "no picture file", "image": "none.png"},
    ]
    report, matches, rejects = run(shop, tmp_path, [*FEED[:30], *bad])
    assert (report.rows, report.answered, report.rejected) == (33, 30, 3)
    assert {reject.row for reject in rejects} == {31, 32, 33}
    assert "no picture file" not in matches


def test_an_equal_gtin_finds_what_no_embedding_would_and_another_one_speaks_against(
    tmp_path: Path, encoder: Encoder
) -> None:
    hidden = {"id": "hidden", "title": "Xyzzyx 90 plugh", "image": "900.png", "gtin": "4006381333931"}
    other = product(7, "feed-other", gtin="5901234123457")
    listed = [{**row, "gtin": "96385074"} if row["id"] == "shop-7" else row for row in CATALOG]
    index = build(tmp_path / "shop", [*listed, hidden], encoder)
    same = {
        "id": "feed-same",
        "title": "Garden hose green 20 m",
        "image": "901.png",
        "gtin": "04006381333931",
    }
    feed = [row for row in FEED if row["id"] != "feed-7"]
    _, without, _ = run(index, tmp_path, [*feed, {**same, "gtin": ""}], MatchConfig(k=20))
    assert "hidden" not in [candidate["id"] for candidate in without["feed-same"]["candidates"]]
    report, matches, _ = run(index, tmp_path, [*feed, same, other])
    assert report.columns == ("gtin", "brand")
    assert matches["feed-same"]["candidates"][0]["id"] == "hidden"
    assert (matches["feed-same"]["decision"], matches["feed-same"]["id"]) == (Answer.MATCH, "hidden")
    assert "gtin 04006381333931 is of both" in matches["feed-same"]["reason"]
    assert matches["feed-other"]["decision"] == Answer.NEW
    assert "gtin: 05901234123457 / 00000096385074" in matches["feed-other"]["reason"]


def test_a_placeholder_of_the_catalog_is_no_picture_of_a_row_either(tmp_path: Path, encoder: Encoder) -> None:
    hidden = [{**product(number, f"shop-{number}"), "image": "999.png"} for number in range(600, 608)]
    index = build(tmp_path / "shop", [*CATALOG, *hidden], encoder)
    engine, row = Engine.open(index, device="cpu"), {**product(700, "feed-700"), "image": "999.png"}
    assert len(engine.summary.placeholders) == 1
    _, matches, rejects = run(index, tmp_path, [*FEED, row, {**row, "id": "feed-none", "title": ""}])
    _, plain, _ = run(index, tmp_path, [*FEED, {**row, "image": ""}])
    assert matches["feed-700"] == plain["feed-700"]
    assert [reject.row for reject in rejects] == [len(FEED) + 2]
    picture, title = tmp_path / "999.png", product_title(700)
    assert engine.match(title=title, image=picture) == engine.match(title=title)
    with pytest.raises(UsageError, match=r"999\.png is a placeholder of the catalog: give a title"):
        engine.match(image=picture)


def test_a_listing_that_the_index_has_many_times_is_found(tmp_path: Path, encoder: Encoder) -> None:
    said = product_title(3).split()
    orders = list(permutations(said))
    crowd = [
        product(3, f"crowd-{number}", " ".join([*orders[number % 24], ["new", "sale", "fine"][number // 24]]))
        for number in range(60)
    ]
    index = build(tmp_path / "shop", [*CATALOG[:3], *CATALOG[4:], *crowd], encoder)
    _, matches, _ = run(index, tmp_path, FEED)
    assert matches["feed-3"]["decision"] == Answer.MATCH
    assert matches["feed-3"]["id"].startswith("crowd-")


def test_a_shared_gtin_is_no_proof(tmp_path: Path, encoder: Encoder) -> None:
    listed = [{**row, "gtin": "4006381333931"} if int(row["id"][5:]) < 40 else row for row in CATALOG]
    feed = [{**row, "gtin": "4006381333931"} if row["id"] == "feed-300" else row for row in FEED]
    _, matches, _ = run(build(tmp_path / "shop", listed, encoder), tmp_path, feed)
    assert matches["feed-300"]["decision"] == Answer.NEW


def test_a_feed_is_decided_by_a_run_of_duplicates(tmp_path: Path, encoder: Encoder) -> None:
    again = [product(number, f"twice-{number}", f"{product_title(number)} new") for number in range(30)]
    index, folder = build(tmp_path / "shop", [*CATALOG, *again], encoder), tmp_path / "duplicates"
    find_duplicates(Engine.open(index), folder, RunConfig(), lambda step, done, total: None)
    report, matches, _ = run(index, tmp_path, FEED, MatchConfig(duplicates=folder))
    assert report.learnt_from == str(folder)
    found = [number for number in KNOWN if matches[f"feed-{number}"]["decision"] != Answer.NEW]
    assert len(found) >= 0.7 * len(KNOWN)
    with pytest.raises(UsageError, match="no finished run"):
        run(index, tmp_path, FEED, MatchConfig(duplicates=tmp_path / "none"))


def test_wrong_columns_and_files_are_named(shop: Path, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="the index has no column 'sku' for --identifier"):
        run(shop, tmp_path, FEED[:3], MatchConfig(identifiers=("sku",)))
    with pytest.raises(UsageError, match="the feed has no column 'has_title' for --compare"):
        run(shop, tmp_path, FEED[:3], MatchConfig(compared=("has_title",)))
    feed = write_listings(tmp_path, "feed.csv", FEED[:3])
    engine = Engine.open(shop, device="cpu")
    before = feed.read_bytes()
    with pytest.raises(UsageError, match="itself: name another file"):
        match_feed(
            engine, CatalogConfig(str(feed)), feed, MatchConfig(), lambda reject: None, lambda rows: None
        )
    assert feed.read_bytes() == before


def test_the_engine_matches_one_listing_or_several(shop: Path, tmp_path: Path) -> None:
    engine = Engine.open(shop, device="cpu")
    draw_picture(3).save(tmp_path / "3.png")
    known = engine.match(title=f"Original {product_title(3)}", image=tmp_path / "3.png", brand="Acme")
    assert (known.decision in (Answer.MATCH, Answer.REVIEW), known.id) == (True, "shop-3")
    assert known.candidates[0].id == "shop-3"
    assert known.candidates[0].probability == known.probability
    new = engine.match(title=product_title(350), image=draw_picture(350))
    assert (new.decision, new.id) == (Answer.NEW, None)
    several = engine.match_many(
        [{"id": "a", "title": product_title(9), "image": draw_picture(9)}, {"title": product_title(9)}]
    )
    assert [match.query_id for match in several] == ["a", "1"]
    assert engine.match_many([]) == []
    with pytest.raises(UsageError, match="neither a title nor an image"):
        engine.match(brand="Acme")


def test_an_index_of_an_earlier_version_has_no_other_pictures(shop: Path) -> None:
    listings = Engine.open(shop, device="cpu").listings
    rows = np.array([3, 1])
    now, earlier = texts_of(listings, rows, ()), texts_of(listings.drop_columns(["other_pictures"]), rows, ())
    assert now.schema == earlier.schema
    assert earlier["id"].to_pylist() == ["shop-3", "shop-1"]
    assert earlier["other_pictures"].null_count == 2
