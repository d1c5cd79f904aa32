"""Exports to real engines in their embedded form, and to files: whole, typed, resumable, verified."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import faiss
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from support.indexes_of_listings import build, some_listings
from typer.testing import CliRunner

from itemsearch.cli.app import app
from itemsearch.errors import ExportError, UsageError
from itemsearch.export import run, to_files
from itemsearch.export.config import ExportConfig, ExportTo
from itemsearch.export.run import export_index
from itemsearch.export.types import ExportReport
from itemsearch.export.verify import exact_scores
from itemsearch.indexes.progress import silent
from itemsearch.search.engine import Engine

ROWS = 150
DATABASES = [
    pytest.param(ExportTo.QDRANT, marks=pytest.mark.cluster),
    pytest.param(ExportTo.LANCEDB, marks=pytest.mark.cluster),
]
ALL = [*DATABASES, ExportTo.FAISS, ExportTo.PARQUET]


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    listings = some_listings(ROWS)
    for number, each in enumerate(listings):
        each["price"] = f"{number / 4:.2f}"
        each["stock"] = number if number % 7 else None
        each["tags"] = ["new", f"t{number % 3}"]
    listings[7]["embedding"] = listings[8]["embedding"]  # a tie
    return build(tmp_path_factory.mktemp("export"), listings)


@pytest.fixture(autouse=True)
def small_batches(monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> None:
    monkeypatch.setattr(to_files.ParquetTarget, "batch_rows", 40)
    monkeypatch.setattr(to_files.FaissTarget, "batch_rows", 40)
    if request.node.get_closest_marker("cluster"):
        pytest.importorskip("qdrant_client", reason="make test-cluster installs qdrant-client")
        pytest.importorskip("lancedb", reason="make test-cluster installs lancedb")
        from itemsearch.export.to_lancedb import LanceTarget
        from itemsearch.export.to_qdrant import QdrantTarget

        monkeypatch.setattr(QdrantTarget, "batch_rows", 40)
        monkeypatch.setattr(LanceTarget, "batch_rows", 40)


def exported(index: Path, config: ExportConfig) -> ExportReport:
    return export_index(index, config, silent)


def read(config: ExportConfig) -> list[dict[str, Any]]:
    """The rows of a target, as its own library reads them, each with its embedding."""
    assert config.out is not None
    if config.to is ExportTo.QDRANT:
        from qdrant_client import QdrantClient

        client = QdrantClient(path=str(config.out))
        points = client.scroll(config.name, limit=10 * ROWS, with_vectors=True)[0]
        client.close()
        return [{**point.payload, "embedding": point.vector} for point in points]
    if config.to is ExportTo.LANCEDB:
        import lancedb

        rows: list[dict[str, Any]] = (
            lancedb.connect(str(config.out)).open_table(config.name).to_arrow().to_pylist()
        )
        return rows
    if config.to is ExportTo.PARQUET:
        return pq.read_table(sorted(config.out.glob("part-*"))).to_pylist()
    rows = pq.read_table(config.out / "listings").to_pylist()
    vectors = faiss.read_index(str(config.out / "index.faiss")).reconstruct_n(0, len(rows))
    return [{**row, "embedding": vector} for row, vector in zip(rows, vectors, strict=True)]


def check_same(index: Path, config: ExportConfig, rows: list[dict[str, Any]]) -> None:
    engine = Engine.open(index)
    ids = engine.listings["id"].to_pylist()
    assert sorted(row["id"] for row in rows) == sorted(ids)
    by_id = {row["id"]: row for row in rows}
    vectors = np.array([by_id[id]["embedding"] for id in ids], np.float32)
    np.testing.assert_allclose(vectors, engine.vectors, atol=1e-7)


@pytest.mark.parametrize("to", ALL)
def test_every_row_is_there_with_typed_columns(to: ExportTo, built: Path, tmp_path: Path) -> None:
    config = ExportConfig(to, tmp_path / "out", numbers=("price",), verify=ROWS)
    report = exported(built, config)
    assert (report.rows, report.written, report.queries, report.neighbours) == (ROWS, ROWS, ROWS, 10)
    assert report.columns["price"] == "double"
    rows = read(config)
    check_same(built, config, rows)
    by_id = {row["id"]: row for row in rows}
    ninth = by_id["00009"]
    assert (ninth["price"], ninth["stock"], ninth["tags"], ninth["has_image"]) == (
        2.25,
        9,
        ["new", "t0"],
        True,
    )
    assert by_id["00014"].get("stock") is None
    assert "thumbnail" not in ninth


@pytest.mark.parametrize("to", ALL)
@pytest.mark.parametrize("after", [0, 2, 3])
def test_an_export_that_was_stopped_goes_on_without_doubling_rows(
    to: ExportTo, after: int, built: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = ExportConfig(to, tmp_path / "out", verify=20)

    class Killed(BaseException):
        pass

    opened: Callable[[ExportConfig], Any] = run._open_target

    def failing(config: ExportConfig) -> Any:
        target = opened(config)
        write = target.write

        def stopped(batch: pa.RecordBatch, start: int) -> None:
            if start < 40 * after:
                return write(batch, start)
            if to is ExportTo.QDRANT:  # the others write a batch in one step
                write(batch.slice(0, 13), start)
            raise Killed

        target.write = stopped
        return target

    monkeypatch.setattr(run, "_open_target", failing)
    with pytest.raises(Killed):
        exported(built, config)
    monkeypatch.setattr(run, "_open_target", opened)
    report = exported(built, config)
    assert (report.rows, report.written) == (ROWS, ROWS - 40 * after)
    check_same(built, config, read(config))
    assert exported(built, config).written == 0


@pytest.mark.parametrize("to", ALL)
def test_another_version_needs_replace(to: ExportTo, tmp_path: Path) -> None:
    index = build(tmp_path / "built", some_listings(60))
    config = ExportConfig(to, tmp_path / "out", verify=5)
    exported(index, config)
    build(tmp_path / "built", some_listings(50, seed=1))
    with pytest.raises(ExportError, match="--replace"):
        exported(index, config)
    assert exported(index, replace(config, replace=True)).rows == 50
    check_same(index, config, read(config))


@pytest.mark.parametrize("to", ALL)
def test_what_is_no_export_is_not_touched(to: ExportTo, built: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    out.mkdir()
    if to is ExportTo.QDRANT:
        from qdrant_client import QdrantClient, models

        client = QdrantClient(path=str(out))
        client.create_collection("listings", models.VectorParams(size=4, distance=models.Distance.DOT))
        client.close()
    elif to is ExportTo.LANCEDB:
        import lancedb

        lancedb.connect(str(out)).create_table("listings", pa.table({"a": [1]}))
    else:
        (out / "mine.txt").write_text("mine")
    with pytest.raises(ExportError, match=r"no export of itemsearch|holds other files"):
        exported(built, ExportConfig(to, out, replace=True))


def test_a_flat_index_that_was_altered_is_not_verified(built: Path, tmp_path: Path) -> None:
    config = ExportConfig(ExportTo.FAISS, tmp_path / "out")
    exported(built, config)
    path = tmp_path / "out" / "index.faiss"
    index = faiss.read_index(str(path))
    vectors = index.reconstruct_n(0, ROWS)[::-1].copy()
    index.reset()
    index.add(vectors)
    faiss.write_index(index, str(path))
    with pytest.raises(ExportError, match="other neighbours than exact search"):
        exported(built, config)
    path.write_bytes(path.read_bytes()[:-8])
    with pytest.raises(ExportError, match="damaged"):
        exported(built, config)


def test_exact_scores_are_those_of_a_matrix_product(built: Path) -> None:
    engine = Engine.open(built)
    queries = np.ascontiguousarray(engine.vectors[:20])
    expected = -np.sort(-(queries @ engine.vectors[:].T), axis=1)[:, :10]
    np.testing.assert_allclose(exact_scores(engine.index, queries, 10), expected, atol=1e-6)


def test_an_exported_parquet_is_an_index_again(built: Path, tmp_path: Path) -> None:
    exported(built, ExportConfig(ExportTo.PARQUET, tmp_path / "out", columns=("title",)))
    done = CliRunner().invoke(
        app,
        ["index", "build", str(tmp_path / "out"), "--out", str(tmp_path / "again")],
        catch_exceptions=False,
    )
    assert done.exit_code == 0
    mine = Engine.open(built).search_rows([5])[0].hits
    assert [hit.id for hit in Engine.open(tmp_path / "again").search_rows([5])[0].hits] == [
        h.id for h in mine
    ]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"out": None}, "either --out"),
        ({"url": "http://127.0.0.1:1"}, "either --out"),
        ({"out": None, "url": "http://127.0.0.1:1"}, "no server"),
        ({"columns": ("colour",)}, "no column 'colour'"),
        ({"numbers": ("title",)}, "--number title"),
    ],
)
def test_wrong_arguments_are_named(
    changes: dict[str, Any], message: str, built: Path, tmp_path: Path
) -> None:
    config = replace(ExportConfig(ExportTo.PARQUET, tmp_path / "out"), **changes)
    with pytest.raises(UsageError, match=message):
        exported(built, config)


def test_a_missing_library_is_named(built: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "lancedb", None)
    monkeypatch.delitem(__import__("sys").modules, "itemsearch.export.to_lancedb", raising=False)
    with pytest.raises(ExportError, match=r"lancedb is missing: pip install 'itemsearch\[lancedb\]'"):
        exported(built, ExportConfig(ExportTo.LANCEDB, tmp_path / "out"))


@pytest.mark.cluster
def test_qdrant_errors_are_one_line(built: Path, tmp_path: Path) -> None:
    with pytest.raises(ExportError, match=r"http://127\.0\.0\.1:1"):
        exported(built, ExportConfig(ExportTo.QDRANT, url="http://127.0.0.1:1"))
    with pytest.raises(ExportError, match="cannot hold column 'thumbnail'"):
        exported(built, ExportConfig(ExportTo.QDRANT, tmp_path / "out", columns=("thumbnail",)))


def test_the_command_reports(built: Path, tmp_path: Path) -> None:
    arguments = ["export", str(built), "--to", "faiss", "--out", str(tmp_path / "out"), "--number", "price"]
    shown = CliRunner().invoke(app, arguments, catch_exceptions=False)
    assert shown.exit_code == 0
    assert "100 of 100 queries have the 10 neighbours" in shown.output
    again = CliRunner().invoke(app, [*arguments, "--json"], catch_exceptions=False)
    assert json.loads(again.stdout)["written"] == 0
