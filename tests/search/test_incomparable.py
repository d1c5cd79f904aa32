"""Listings that lack what the query has: no title for a title, no image for an image."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
from support.catalogs import draw_picture, titles

from itemsearch import Engine, Result
from itemsearch.catalog import CatalogConfig
from itemsearch.embed.catalog import EmbedConfig, embed_catalog
from itemsearch.embed.encoder import Encoder
from itemsearch.indexes.progress import silent
from itemsearch.ranking.evidence import KINDS, EvidenceReader
from itemsearch.ranking.ranking import KNOTS, Ranking
from itemsearch.ranking.score_model import ScoreModel
from itemsearch.search.batch import BatchConfig, search_file
from itemsearch.search.build import build_index_folder
from itemsearch.search.folder import NGRAM_FREQUENCY

LISTINGS = 48
UNTITLED = {f"{row:03d}" for row in range(0, LISTINGS, 2)}
UNPICTURED = {f"{row:03d}" for row in range(1, LISTINGS, 4)}


@pytest.fixture(scope="module")
def mixed(tmp_path_factory: pytest.TempPathFactory, encoder: Encoder) -> Path:
    """An index of listings of which half have no title, and a quarter no picture."""
    folder = tmp_path_factory.mktemp("mixed")
    with (folder / "shop.csv").open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["id", "title", "image", "seller"])
        for row, title in enumerate(titles(LISTINGS)):
            id, image = f"{row:03d}", f"{row}.png"
            draw_picture(row).save(folder / image)
            writer.writerow(
                [id, "" if id in UNTITLED else title, "" if id in UNPICTURED else image, f"s{row % 3}"]
            )
    embed_catalog(CatalogConfig(str(folder / "shop.csv")), folder / "store", encoder, EmbedConfig(), print)
    build_index_folder(folder / "store", folder / "index")
    return folder / "index"


def give_ranking(engine: Engine) -> None:
    """A ranking that likes listings best with which nothing can be compared."""
    model = engine.summary.model
    assert model is not None
    [frequency] = (engine.folder / "versions").glob(f"*/{NGRAM_FREQUENCY}")
    reader = EvidenceReader(model.parts, np.load(frequency))
    curves = tuple((1.0, *[0.0] * len(KNOTS)) for _ in reader.features)
    ranking = Ranking(
        reader.features, dict.fromkeys(KINDS, curves), {**dict.fromkeys(KINDS, -2.0), "neither": 9}
    )
    engine.ranker.score_model = ScoreModel(reader, ranking)


@pytest.fixture(params=["cosine", "ranking"])
def engine(mixed: Path, request: pytest.FixtureRequest) -> Engine:
    engine = Engine.open(mixed)
    if request.param == "ranking":
        give_ranking(engine)
    return engine


def assert_last(result: Result, apart: set[str], others: int) -> None:
    """That the first `others` hits can be compared, in order, and the rest, of `apart`, cannot."""
    first, last = result.hits[:others], result.hits[others:]
    assert not {hit.id for hit in first} & apart
    assert {hit.id for hit in last} <= apart
    scores = [hit.score for hit in result.hits]
    assert scores == sorted(scores, reverse=True)
    assert [hit.rank for hit in result.hits] == list(range(1, len(result.hits) + 1))
    assert all(hit.title_similarity is None and hit.image_similarity is None for hit in last)
    joints = [hit.joint for hit in last]
    assert joints == sorted(joints, reverse=True)


def test_no_listing_without_title_outranks_one_with_a_title(engine: Engine) -> None:
    result = engine.search(title=titles(LISTINGS)[7], k=LISTINGS)
    assert len(result.hits) == LISTINGS
    assert result.incomparable == len(UNTITLED)
    assert_last(result, UNTITLED, LISTINGS - len(UNTITLED))
    assert [hit.id for hit in engine.search(title=titles(LISTINGS)[7], k=5).hits] == [
        hit.id for hit in result.hits[:5]
    ]


def test_no_listing_without_image_outranks_one_with_an_image(engine: Engine) -> None:
    result = engine.search(image=draw_picture(7), k=LISTINGS)
    assert result.incomparable == len(UNPICTURED)
    assert_last(result, UNPICTURED, LISTINGS - len(UNPICTURED))


def test_a_query_of_both_is_compared_with_all(engine: Engine) -> None:
    result = engine.search(title=titles(LISTINGS)[7], image=draw_picture(7), k=LISTINGS)
    assert (result.incomparable, len({hit.id for hit in result.hits})) == (0, LISTINGS)


def test_a_listing_of_the_index_is_a_query_too(engine: Engine) -> None:
    result = engine.search(id="001", k=LISTINGS)
    assert result.incomparable == len(UNTITLED)
    assert_last(result, UNTITLED, LISTINGS - len(UNTITLED) - 1)
    result = engine.search(id="002", k=LISTINGS, other="seller")
    others = {f"{row:03d}" for row in range(LISTINGS) if row % 3 != 2}
    assert {hit.id for hit in result.hits} == others
    assert_last(result, UNPICTURED & others, len(others - UNPICTURED))


def test_filters_hold(engine: Engine) -> None:
    def found(where: str) -> list[str]:
        return [hit.id for hit in engine.search(title=titles(LISTINGS)[7], k=LISTINGS, where=where).hits]

    assert set(found("id < '010'")) == {f"{row:03d}" for row in range(10)}
    assert found("id < '010'")[0] == "007"
    assert set(found("id < '010'")[5:]) == UNTITLED & {f"{row:03d}" for row in range(10)}
    assert found("id < '001'") == ["000"]
    assert engine.search(title="lamp", k=9, min_score=0.01, where="id < '001'").hits == ()


def test_many_queries_of_every_kind_at_once(engine: Engine, tmp_path: Path) -> None:
    draw_picture(7).save(tmp_path / "7.png")
    words = titles(LISTINGS)
    (tmp_path / "q.csv").write_text(
        f"query_id,title,image\nboth,{words[7]},7.png\nwords,{words[9]},\npicture,,7.png\nmore,{words[3]},\n"
    )
    out = tmp_path / "r.parquet"
    report = search_file(engine, str(tmp_path / "q.csv"), out, BatchConfig(k=30), print, silent)
    assert report.results == 120
    single = [
        engine.search(title=words[7], image=tmp_path / "7.png", k=30),
        engine.search(title=words[9], k=30),
        engine.search(image=tmp_path / "7.png", k=30),
        engine.search(title=words[3], k=30),
    ]
    assert report.incomparable == sum(result.incomparable for result in single)
    rows = pq.read_table(out).to_pylist()
    assert [row["id"] for row in rows] == [hit.id for result in single for hit in result.hits]
