# ruff: noqa: RUF001 (full-width letters are the matter of a test)
from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from support.catalogs import draw_picture, titles
from support.models import save_tiny_model

from itemsearch import Engine, Result
from itemsearch.embed.encoder import Encoder
from itemsearch.errors import (
    ImageError,
    IndexFolderError,
    ModelError,
    ModelMismatchError,
    UnknownIdError,
    UsageError,
)
from itemsearch.indexes.progress import silent
from itemsearch.search.batch import BatchConfig, BatchReport, search_file
from itemsearch.search.build import build_index_folder
from itemsearch.search.folder import read_summary
from itemsearch.store.reader import open_embedded
from itemsearch.types import Query, Reject


def stored_vectors(store: Path) -> tuple[list[str], np.ndarray]:
    table = pa.Table.from_batches(open_embedded(store).batches())
    vectors = np.stack(table["embedding"].to_pylist())
    return table["id"].to_pylist(), vectors.astype(np.float16).astype(np.float32)  # as an index keeps them


def slow_ranking(store: Path, query: np.ndarray, without: str = "") -> list[tuple[str, float]]:
    ids, vectors = stored_vectors(store)
    scored = sorted(zip(ids, (vectors @ query).tolist(), strict=True), key=lambda pair: (-pair[1], pair[0]))
    return [pair for pair in scored if pair[0] != without]


def assert_ranked(result: Result, expected: list[tuple[str, float]]) -> None:
    assert [hit.rank for hit in result.hits] == list(range(1, len(result.hits) + 1))
    np.testing.assert_allclose(
        [hit.score for hit in result.hits], [score for _, score in expected], atol=1e-6
    )
    # Scores that float32 can hardly tell apart may change places.
    clear = {id for id, score in expected if score > expected[-1][1] + 1e-6}
    assert clear <= {hit.id for hit in result.hits}


def test_by_id_leaves_the_product_itself_out(index: Path, store: Path) -> None:
    result = Engine.open(index).search(id="00017", k=5)
    ids, vectors = stored_vectors(store)
    assert_ranked(result, slow_ranking(store, vectors[ids.index("00017")], without="00017")[:5])
    assert result.hits[0].title == titles(60)[int(result.hits[0].id)]


def test_by_title_and_image(index: Path, store: Path, encoder: Encoder, tmp_path: Path) -> None:
    engine = Engine.open(index)
    draw_picture(23).save(tmp_path / "q.png")
    both = engine.search(title=f"  {titles(60)[23]} ", image=tmp_path / "q.png", k=4)
    assert (both.hits[0].id, both.hits[0].score) == ("00023", pytest.approx(1, abs=1e-5))
    query = encoder.encode([titles(60)[23]], [None])[0]
    assert_ranked(engine.search(title=titles(60)[23], k=4), slow_ranking(store, query)[:4])
    query = encoder.encode([""], [draw_picture(23)])[0]
    assert_ranked(engine.search(image=draw_picture(23), k=4), slow_ranking(store, query)[:4])


def test_a_title_finds_the_same_in_any_spelling(index: Path) -> None:
    engine, title = Engine.open(index), titles(60)[23]
    spelt = "<b>" + title.replace(" ", "&nbsp;", 1).replace("model", "ｍｏｄｅｌ") + "</b>\u200b"
    assert engine.search(title=spelt) == engine.search(title=title)


def test_equal_scores_come_in_order_of_their_ids(tmp_path: Path) -> None:
    ids = ["b", "a", "é", "Z", "10", "9"]
    vectors = pa.array([[1.0, 0.0]] * 6, pa.list_(pa.float32()))
    pq.write_table(pa.table({"id": ids, "embedding": vectors}), tmp_path / "v.parquet")
    build_index_folder(tmp_path / "v.parquet", tmp_path / "index")
    found = Engine.open(tmp_path / "index").search(id="a", k=10)
    assert [hit.id for hit in found.hits] == ["10", "9", "Z", "b", "é"]


def test_min_score_and_more_results_than_products(index: Path) -> None:
    engine = Engine.open(index)
    everything = engine.search(id="00000", k=500)
    assert len(everything.hits) == 59
    middle = everything.hits[20].score
    assert len(engine.search(id="00000", k=500, min_score=middle).hits) == 21


def test_searching_by_id_loads_no_torch(index: Path) -> None:
    script = (
        "import sys; from itemsearch import Engine\n"
        f"print(len(Engine.open({str(index)!r}).search(id='00003').hits), 'torch' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["10", "False"]


def test_every_product_is_found_by_its_own_id_and_vector(index: Path) -> None:
    engine = Engine.open(index)
    ids = engine.listings["id"].to_pylist()
    assert [engine.row_of(id) for id in ids] == list(range(60))
    found = engine.search_many([Query(1, id, "", None, engine.vectors[engine.row_of(id)]) for id in ids], 1)
    assert [(result.query_id, result.hits[0].id) for result in found] == [(id, id) for id in ids]


@pytest.mark.parametrize("id", ["", "0", "00060", "zzz"])
def test_an_unknown_id_is_told(index: Path, id: str) -> None:
    with pytest.raises(UnknownIdError, match=f"id '{id}' is not in"):
        Engine.open(index).search(id=id)


def test_wrong_arguments_are_refused(index: Path, tmp_path: Path) -> None:
    engine = Engine.open(index)
    with pytest.raises(UsageError, match="k is 0"):
        engine.search(id="00000", k=0)
    with pytest.raises(UsageError, match="either an id"):
        engine.search()
    with pytest.raises(UsageError, match="either an id"):
        engine.search(id="00000", title="mug")
    with pytest.raises(UsageError, match="'N/A' is no title"):
        engine.search(title=" N/A ")
    with pytest.raises(ImageError, match=r"none\.png"):
        engine.search(image=tmp_path / "none.png")
    (tmp_path / "words.png").write_text("words")
    with pytest.raises(ImageError):
        engine.search(image=tmp_path / "words.png")
    with pytest.raises(UsageError, match="embedding of 3 numbers"):
        engine.search_many([Query(1, "q", "", None, np.ones(3, np.float32))])


def test_another_model_is_refused(index: Path, tmp_path: Path) -> None:
    other = save_tiny_model(tmp_path / "other", seed=5)
    with pytest.raises(ModelMismatchError, match="was made by model"):
        Engine.open(index, model=str(other)).search(title="mug")
    with pytest.raises(ModelError, match="neither"):
        Engine.open(index, model="no-such/model").search(title="mug")


def test_external_embeddings_are_searched_by_id_and_by_vector_only(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    vectors = rng.standard_normal((50, 6)).astype(np.float32) * 3
    table = pa.table({"id": np.arange(50), "embedding": list(vectors)})
    pq.write_table(table, tmp_path / "v.parquet")
    summary = build_index_folder(tmp_path / "v.parquet", tmp_path / "index")
    assert (summary.rows, summary.model) == (50, None)
    engine = Engine.open(tmp_path / "index")
    unit = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    expected = [str(row) for row in np.argsort(-(unit @ unit[7])) if row != 7][:5]
    assert [hit.id for hit in engine.search(id="7", k=5).hits] == expected
    found = engine.search_many([Query(1, "q", "", None, vectors[7] * 9)], 6)[0]
    assert [hit.id for hit in found.hits] == ["7", *expected]
    with pytest.raises(ModelMismatchError, match="external embeddings"):
        engine.search(title="mug")


@pytest.mark.parametrize(
    ("ids", "embeddings", "told"),
    [
        (["a", "a"], [[1.0], [1.0]], "id 'a' is there twice"),
        (["a", None], [[1.0], [1.0]], "row 2 has no id"),
        (["a", "b"], [[1.0], [1.0, 2.0]], "'b' has 2 numbers, others have 1"),
        (["a", "b"], [[1.0], None], "'b' has 0 numbers"),
        (["a", "b"], [[1.0], [float("nan")]], "'b' is not finite or all zero"),
        (["a", "b"], [[1.0], [0.0]], "'b' is not finite or all zero"),
        ([1.5, 2.5], [[1.0], [1.0]], "ids are double"),
    ],
)
def test_external_embeddings_that_cannot_be_indexed_are_told(
    tmp_path: Path, ids: list[object], embeddings: list[list[float]], told: str
) -> None:
    table = pa.table({"id": ids, "embedding": pa.array(embeddings, pa.list_(pa.float32()))})
    pq.write_table(table, tmp_path / "v.parquet")
    with pytest.raises(IndexFolderError, match=told):
        build_index_folder(tmp_path / "v.parquet", tmp_path / "index")
    assert not (tmp_path / "index" / "CURRENT").exists()


def test_a_large_store_gets_ivfpq_and_recalls(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    centres = rng.standard_normal((1500, 16))
    vectors = (centres[rng.integers(1500, size=12_000)] + 0.2 * rng.standard_normal((12_000, 16))).astype(
        np.float32
    )
    table = pa.table({"id": [f"p{row:05d}" for row in range(12_000)], "embedding": list(vectors)})
    pq.write_table(table, tmp_path / "v.parquet")
    summary = build_index_folder(tmp_path / "v.parquet", tmp_path / "index")
    assert (summary.kind, summary.spec) == ("ivfpq", "IVF256,PQ2")
    assert summary.bytes_per_vector < 16 * 4 / 2
    engine = Engine.open(tmp_path / "index")
    unit = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    hits = 0
    for row in range(0, 12_000, 120):
        expected = [f"p{near:05d}" for near in np.argsort(-(unit @ unit[row]))[:11] if near != row][:10]
        found = engine.search(id=f"p{row:05d}")
        hits += len({hit.id for hit in found.hits} & set(expected))
        exact = [float(unit[row] @ unit[int(hit.id[1:])]) for hit in found.hits]
        np.testing.assert_allclose([hit.score for hit in found.hits], exact, atol=1e-6)
    assert hits / 1000 >= 0.95


def test_an_index_is_rebuilt_as_a_new_version_and_can_move(store: Path, tmp_path: Path) -> None:
    build_index_folder(store, tmp_path / "index")
    assert build_index_folder(store, tmp_path / "index").version == 2
    shutil.move(tmp_path / "index", tmp_path / "elsewhere")
    assert Engine.open(tmp_path / "elsewhere").search(id="00000").hits
    summary = read_summary(tmp_path / "elsewhere")
    assert (summary.rows, summary.kind, summary.spec) == (60, "exact", "Flat")


@pytest.mark.parametrize(
    "name",
    ["listings.arrow", "id_order.npy", "vectors.npy", "pictures.arrow", "index.json", "MANIFEST.json"],
)
def test_a_damaged_index_is_told_by_file(index: Path, tmp_path: Path, name: str) -> None:
    shutil.copytree(index, tmp_path / "index")
    file = next((tmp_path / "index" / "versions").glob(f"*/{name}"))
    file.write_bytes(file.read_bytes()[:-7])
    with pytest.raises(IndexFolderError, match=name):
        Engine.open(tmp_path / "index")


def search_queries(engine: Engine, queries: Path, out: Path) -> tuple[BatchReport, list[Reject]]:
    rejects: list[Reject] = []
    return search_file(engine, str(queries), out, BatchConfig(3), rejects.append, silent), rejects


def test_a_queries_file_is_answered_row_by_row(index: Path, tmp_path: Path) -> None:
    draw_picture(5).save(tmp_path / "five.png")
    (tmp_path / "q.csv").write_text(
        f"query_id,title,image\nboth,{titles(60)[5]},five.png\nwords,{titles(60)[9]},\nlost,,gone.png\npicture,,five.png\n"
    )
    engine = Engine.open(index)
    report, rejects = search_queries(engine, tmp_path / "q.csv", tmp_path / "out" / "r.parquet")
    assert (report.rows, report.answered, report.rejected, report.results) == (4, 3, 1, 9)
    assert [(reject.row, reject.id, reject.reason.value) for reject in rejects] == [
        (3, "lost", "image_not_found")
    ]
    table = pq.read_table(tmp_path / "out" / "r.parquet")
    numbers = {name: pa.float32() for name in ("score", "joint", "title_similarity", "image_similarity")}
    assert table.schema == pa.schema(
        {"query_id": pa.string(), "rank": pa.int32(), "id": pa.string(), **numbers}
    )
    rows = table.to_pylist()
    assert [row["query_id"] for row in rows] == ["both"] * 3 + ["words"] * 3 + ["picture"] * 3
    assert [row["rank"] for row in rows] == [1, 2, 3] * 3
    assert rows[0]["id"] == "00005"
    alone = engine.search(title=titles(60)[9], k=3)
    np.testing.assert_allclose(
        [row["score"] for row in rows[3:6]], [hit.score for hit in alone.hits], atol=1e-6
    )


def test_a_queries_file_of_vectors(index: Path, tmp_path: Path) -> None:
    engine = Engine.open(index)
    vectors = [engine.vectors[row].tolist() for row in (4, 2)]
    pq.write_table(pa.table({"query_id": ["a", "b"], "embedding": vectors}), tmp_path / "q.parquet")
    search_queries(engine, tmp_path / "q.parquet", tmp_path / "r.parquet")
    rows = pq.read_table(tmp_path / "r.parquet").to_pylist()
    assert [row["id"] for row in rows if row["rank"] == 1] == ["00004", "00002"]


def test_a_failed_batch_leaves_no_results_file(index: Path, tmp_path: Path) -> None:
    pq.write_table(pa.table({"query_id": ["a"], "embedding": [[1.0, 2.0]]}), tmp_path / "q.parquet")
    with pytest.raises(UsageError, match="embedding of 2 numbers"):
        search_queries(Engine.open(index), tmp_path / "q.parquet", tmp_path / "r.parquet")
    assert [path.name for path in tmp_path.iterdir()] == ["q.parquet"]
