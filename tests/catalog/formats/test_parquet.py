from __future__ import annotations

import random

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from itemsearch.catalog.formats.names import renamed
from itemsearch.catalog.formats.parquet import open_parquet
from itemsearch.catalog.formats.source import Source
from itemsearch.errors import CatalogError


@pytest.fixture
def table() -> pa.Table:
    return pa.table({"id": range(50), "title": [f"title {i}" for i in range(50)], "price": [0.5] * 50})


@pytest.fixture
def save(tmp_path):
    def to_file(table, **options):
        pq.write_table(table, tmp_path / "a.parquet", write_page_checksum=True, **options)
        return tmp_path / "a.parquet"

    return to_file


def test_batches_places_and_types(save, table):
    carried = pa.schema([("price", pa.float64()), ("lacking", pa.string())])
    batches = list(open_parquet(Source(save(table, row_group_size=30))).read(["title", "none"], carried, 20))
    assert [len(batch.places) for batch in batches] == [len(batch.problems) for batch in batches]
    assert [place for batch in batches for place in batch.places] == [
        f"a.parquet row {i}" for i in range(1, 51)
    ]
    assert [title for batch in batches for title in batch.columns["title"]] == table["title"].to_pylist()
    assert all(batch.carried.schema == carried for batch in batches)
    assert batches[0].columns["none"] == [None] * len(batches[0].places)
    assert batches[0].carried["lacking"].null_count == len(batches[0].places)


def test_column_names_with_dots(save):
    path = save(pa.table({"a": [1], "a.b": [2], "c": [{"a": 3}]}))
    (batch,) = open_parquet(Source(path)).read(["a.b"], pa.schema([("a", pa.int64())]), 10)
    assert (batch.columns["a.b"], batch.carried["a"].to_pylist()) == ([2], [1])


def test_text_that_is_not_utf8_costs_one_row(save):
    raw = pa.array([b"ok", b"\xff\xfe", b"caf\xc3\xa9"], pa.binary())
    text = pa.Array.from_buffers(pa.string(), 3, raw.buffers())
    path = save(pa.table({"title": text, "carried": text}))
    (batch,) = open_parquet(Source(path)).read(["title"], pa.schema([("carried", pa.string())]), 10)
    assert [bool(problem) for problem in batch.problems] == [False, True, False]
    assert batch.columns["title"] == ["ok", None, "café"]


@pytest.mark.parametrize("content", [b"", b"id,title\n", b"PAR1" * 20])
def test_not_parquet(write, content):
    with pytest.raises(CatalogError, match=r"a\.parquet: not Parquet") as caught:
        open_parquet(Source(write("a.parquet", content)))
    assert "\n" not in str(caught.value)


def test_two_columns_of_one_name(save):
    columns = [["a", "b"], ["x", "y"], [5, 6], [[1], [2]]]
    table = open_parquet(Source(save(pa.table(columns, names=["id", "title", "id", "title"]))))
    assert table.schema.names == ["id", "title", "id_2", "title_2"]
    assert renamed(table.schema) == {"id_2": "id", "title_2": "title"}
    (records,) = table.read(["id", "title"], pa.schema({"id_2": pa.int64()}), 10)
    assert records.columns == {"id": ["a", "b"], "title": ["x", "y"]}
    assert records.carried.to_pylist() == [{"id_2": 5}, {"id_2": 6}]


def test_flipped_bit_in_a_page_is_found(save, table):
    path = save(table, compression="none", use_dictionary=False)
    data = bytearray(path.read_bytes())
    data[data.index(b"title 20")] ^= 1
    path.write_bytes(data)
    with pytest.raises(CatalogError, match=r"a\.parquet: .*CRC"):
        list(open_parquet(Source(path)).read(["title"], pa.schema([]), 10))


def test_damage_raises_nothing_but_catalog_error(save, table):
    path = save(table, row_group_size=10)
    clean = path.read_bytes()
    rng = random.Random(0)
    refused = 0
    for i in range(300):
        data = bytearray(clean)
        if i % 2:
            data[rng.randrange(len(data))] ^= 1 << rng.randrange(8)
        else:
            del data[rng.randrange(len(data)) :]
        path.write_bytes(data)
        try:
            batches = list(open_parquet(Source(path)).read(["id", "title"], pa.schema([]), 7))
        except CatalogError:
            refused += 1
        else:
            assert sum(len(batch.places) for batch in batches) == 50
    assert refused > 200


def test_value_that_does_not_fit_the_common_type(save):
    path = save(pa.table({"n": [2**53 + 1]}))
    with pytest.raises(CatalogError, match="'n' does not fit double"):
        list(open_parquet(Source(path)).read([], pa.schema([("n", pa.float64())]), 10))
