from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from itemsearch.catalog import read_queries
from itemsearch.errors import CatalogNotFoundError, EmptyCatalogError, MissingColumnError
from itemsearch.types import RejectReason


def test_csv(write, encode):
    write("a.png", encode())
    path = write(
        "q.csv", "query_id,title,image,expected\n01, a  b,,x\n2,,a.png,y\n2,c,,z\n3,,,\n4,c,none.png,\n"
    )
    (batch,) = read_queries(str(path))
    assert batch.rows == 5
    assert [(q.row, q.id, q.title, q.image is not None, q.embedding) for q in batch.items] == [
        (1, "01", "a b", False, None),
        (2, "2", "", True, None),
    ]
    assert [(r.row, r.id, r.reason) for r in batch.rejects] == [
        (3, "2", RejectReason.DUPLICATE_ID),
        (4, "3", RejectReason.EMPTY),
        (5, "4", RejectReason.IMAGE_NOT_FOUND),
    ]


@pytest.mark.parametrize("type_", [pa.list_(pa.float32()), pa.list_(pa.float64(), 2), pa.list_(pa.float16())])
def test_parquet_embeddings(tmp_path, type_):
    vectors = pa.array([np.array(v, np.float16) for v in ([1, 2], [3, 0.5], [np.nan, 1])]).cast(type_)
    pq.write_table(pa.table({"query_id": [1, 2, 3], "embedding": vectors}), tmp_path / "q.parquet")
    (batch,) = read_queries(str(tmp_path / "q.parquet"))
    assert [query.id for query in batch.items] == ["1", "2"]
    assert np.array_equal([query.embedding for query in batch.items], [[1, 2], [3, 0.5]])
    assert batch.items[0].embedding.dtype == np.float32
    assert [(r.row, r.reason) for r in batch.rejects] == [(3, RejectReason.MALFORMED)]


def test_jsonl_embeddings(write_jsonl):
    rows = [
        {"query_id": "a", "embedding": [0.1, -2]},
        {"query_id": "b", "embedding": [1, 2, 3]},
        {"query_id": "c", "title": "words"},
        {"query_id": "d", "embedding": "none"},
    ]
    batches = list(read_queries(str(write_jsonl("q.jsonl", rows)), batch_rows=3))
    assert [batch.rows for batch in batches] == [3, 1]
    queries = [query for batch in batches for query in batch.items]
    assert [query.id for query in queries] == ["a", "c"]
    assert queries[0].embedding.tolist() == np.array([0.1, -2], np.float32).tolist()
    assert [r.id for batch in batches for r in batch.rejects] == ["b", "d"]


def test_embedded_images(tmp_path, encode):
    images = pa.array([{"bytes": encode("blue"), "path": None}])
    pq.write_table(pa.table({"query_id": ["1"], "image": images}), tmp_path / "q.parquet")
    (batch,) = read_queries(str(tmp_path / "q.parquet"))
    assert batch.items[0].image.getpixel((0, 0)) == (0, 0, 255)


@pytest.mark.parametrize("header", ["id,title", "query_id,name"])
def test_missing_column(write, header):
    with pytest.raises(MissingColumnError, match=r"q\.csv: no column .*the columns are"):
        read_queries(str(write("q.csv", f"{header}\n1,a\n")))


def test_no_file_and_no_rows(write, tmp_path):
    with pytest.raises(CatalogNotFoundError):
        read_queries(str(tmp_path / "q.csv"))
    with pytest.raises(EmptyCatalogError):
        list(read_queries(str(write("q.csv", "query_id,title\n"))))
