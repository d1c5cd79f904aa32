from __future__ import annotations

import csv
import json
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
from support.catalogs import titles, write_catalog
from typer.testing import CliRunner

from itemsearch import Engine
from itemsearch.catalog import CatalogConfig
from itemsearch.cli.app import app
from itemsearch.embed.catalog import EmbedConfig, embed_catalog
from itemsearch.embed.torch_encoder import TorchEncoder
from itemsearch.errors import EmptyCatalogError
from itemsearch.fit_ranking.training_queries import (
    TrainingQueriesConfig,
    draw_training_queries,
    fit_ranking_to_catalogs,
)
from itemsearch.indexes.progress import silent
from itemsearch.search.build import build_index_folder


@pytest.fixture(scope="module")
def offers_csv(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Twenty products in three shops' words, no pictures."""
    path = tmp_path_factory.mktemp("offers") / "offers.csv"
    with path.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["id", "title", "product"])
        for number in range(20):
            for shop, words in enumerate(("new {}", "{} sale", "{}")):
                writer.writerow([f"{number}-{shop}", words.format(titles(60)[number]), number])
    return path


@pytest.fixture(scope="module")
def fitted(tmp_path_factory: pytest.TempPathFactory, tiny_model: Path, catalog_csv: Path) -> Path:
    folder = tmp_path_factory.mktemp("fitted") / "model"
    shutil.copytree(tiny_model, folder)
    (folder / "ranking.json").write_text("{}")  # a damaged one is what fitting is to mend
    done = CliRunner().invoke(app, ["fit-ranking", str(folder), "--catalog", str(catalog_csv), "--json"])
    assert done.exit_code == 0, done.output
    report = json.loads(done.stdout)
    assert (report["queries"], report["answerable"]) == (120, 60)
    assert report["by_ranking"] > report["by_joint"]
    return folder


def test_an_engine_ranks_by_the_evidence(fitted: Path, catalog_csv: Path, tmp_path: Path) -> None:
    torch_encoder = TorchEncoder.from_pretrained(str(fitted), "cpu")
    embed_catalog(
        CatalogConfig(str(catalog_csv)),
        tmp_path / "s",
        torch_encoder,
        EmbedConfig(),
        silent,
    )
    build_index_folder(tmp_path / "s", tmp_path / "index")
    engine = Engine.open(tmp_path / "index")
    score_model = engine.ranker.score_model
    assert score_model is not None
    assert score_model.ranking == torch_encoder.ranking
    row = engine.row_of("00017")
    others = np.array([other for other in range(60) if other != row])
    evidence = score_model.reader.compare(
        engine.ranker.read_listings(np.array([row])), engine.ranker.read_listings(others)
    )
    scores = score_model.ranking.score(evidence)
    hits = engine.search(id="00017", k=59).hits
    np.testing.assert_allclose([hit.score for hit in hits], np.sort(scores)[::-1], atol=1e-6)
    by_id = dict(zip(engine.listings["id"].take(others).to_pylist(), evidence.joint, strict=True))
    assert all(hit.joint == pytest.approx(by_id[hit.id], abs=1e-6) for hit in hits)
    assert all(hit.title_similarity is not None and hit.image_similarity is not None for hit in hits)
    by_title = engine.search(title=titles(60)[17], k=3).hits
    assert by_title[0].id == "00017"
    assert by_title[0].title_similarity == pytest.approx(1, abs=1e-6)
    assert by_title[0].image_similarity is None

    found = CliRunner().invoke(app, ["search", str(tmp_path / "index"), "--id", "00017", "-k", "2"])
    assert all(word in found.output for word in ("score", "joint", "title_similarity", "image_similarity"))
    (tmp_path / "q.csv").write_text(f"query_id,title\nq,{titles(60)[17]}\n")
    arguments = ["search", str(tmp_path / "index"), "--queries", str(tmp_path / "q.csv")]
    CliRunner().invoke(app, [*arguments, "--out", str(tmp_path / "r.parquet"), "-k", "1"])
    [answer] = pq.read_table(tmp_path / "r.parquet").to_pylist()
    assert (answer["id"], answer["title_similarity"], answer["image_similarity"]) == (
        "00017",
        pytest.approx(1, abs=1e-6),
        None,
    )


def test_known_groups_are_asked_for_each_other(offers_csv: Path, torch_encoder: TorchEncoder) -> None:
    config = TrainingQueriesConfig(group="product")
    training = draw_training_queries(CatalogConfig(str(offers_csv)), torch_encoder, config, silent)
    assert training.own.tolist() == list(range(60))
    assert training.query_products.tolist() == [str(row // 3) for row in range(60)]
    ranking, report = fit_ranking_to_catalogs([CatalogConfig(str(offers_csv))], torch_encoder, config, silent)
    assert report.answerable == report.queries == 60
    assert report.by_ranking > 0.9
    [recall] = report.catalogs
    assert (recall.catalog, recall.answerable) == (str(offers_csv), 60)
    assert recall.by_ranking == report.by_ranking >= recall.by_best_feature
    assert recall.best_feature in ("words", "rare_words")
    assert not recall.loses
    assert replace(recall, by_ranking=recall.by_best_feature - 0.1).loses
    slopes = dict(zip(ranking.features, ranking.slopes["title"], strict=True))
    assert sum(slopes["words"]) + sum(slopes["rare_words"]) > 0


def test_relistings_lack_a_modality_at_times(catalog_csv: Path, torch_encoder: TorchEncoder) -> None:
    training = draw_training_queries(
        CatalogConfig(str(catalog_csv)), torch_encoder, TrainingQueriesConfig(), silent
    )
    assert training.own.tolist() == [-1] * 60 + list(range(60))  # listed again, and as they are
    assert training.query_products.tolist() == training.gallery_products.tolist() * 2
    without_title = [not title for title in training.queries.titles]
    assert 16 <= sum(without_title) <= 64
    assert 16 <= sum(~training.queries.has_image) <= 64
    assert not (np.array(without_title) & ~training.queries.has_image).any()
    assert all(training.gallery.titles)


def test_rows_are_limited(tmp_path: Path, torch_encoder: TorchEncoder) -> None:
    catalog = CatalogConfig(str(write_catalog(tmp_path, 12)), batch_rows=4)
    assert (
        len(
            draw_training_queries(
                catalog, torch_encoder, TrainingQueriesConfig(rows=6), silent
            ).gallery.titles
        )
        == 8
    )


def test_nothing_to_learn_from_is_told(tmp_path: Path, torch_encoder: TorchEncoder) -> None:
    (tmp_path / "c.csv").write_text("id,title,product\n1,mug,a\n2,lamp,b\n")
    with pytest.raises(EmptyCatalogError, match="no listing has a second one"):
        fit_ranking_to_catalogs(
            [CatalogConfig(str(tmp_path / "c.csv"))],
            torch_encoder,
            TrainingQueriesConfig("product"),
            silent,
        )


def test_no_model_folder_is_told(catalog_csv: Path, tmp_path: Path) -> None:
    done = CliRunner().invoke(app, ["fit-ranking", str(tmp_path / "none"), "--catalog", str(catalog_csv)])
    assert done.exit_code != 0
