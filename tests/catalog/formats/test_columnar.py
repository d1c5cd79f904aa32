"""Columns with types: how they are read for a role, and how they are carried."""

from __future__ import annotations

import datetime as dt
import random
from contextlib import suppress
from decimal import Decimal

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from itemsearch.catalog import CatalogConfig, open_catalog
from itemsearch.catalog.formats.open import find_tables
from itemsearch.catalog.formats.tables import unify_schemas
from itemsearch.columns import read_texts
from itemsearch.errors import CatalogError

ENCODED = {
    "dictionary": pa.array(["x", None]).dictionary_encode(),
    "view": pa.array(["x", None], pa.string_view()),
    "large": pa.array(["x", None], pa.large_string()),
    "binary_view": pa.array([b"x", None], pa.binary_view()),
    "large_binary": pa.array([b"x", None], pa.large_binary()),
    "large_list": pa.array([["x"], None], pa.large_list(pa.large_string())),
    "fixed_list": pa.array([[1, 2], None], pa.list_(pa.int64(), 2)),
    "half": pa.array([1.5, None], pa.float16()),
    "uint64": pa.array([2**64 - 1, None], pa.uint64()),
    "decimal": pa.array([Decimal("90.750"), None], pa.decimal128(10, 3)),
    "date": pa.array([dt.date(2026, 2, 28), None]),
    "nanoseconds": pa.array([1, None], pa.timestamp("ns", "UTC")),
    "far": pa.array([9 * 10**18, None], pa.timestamp("us")),
    "time": pa.array([dt.time(3), None]),
    "struct": pa.array([{"a": "x"}, None], pa.struct([("a", pa.large_string())])),
    "nothing": pa.nulls(2),
}


def write_parquet(path, table):
    pq.write_table(table, path)
    return path


@pytest.mark.parametrize("name", ENCODED)
def test_every_type_is_read_and_carried(tmp_path, name):
    column = ENCODED[name]
    table = pa.table({"id": ["1", "2"], "title": ["a", "b"], name: column})
    path = write_parquet(tmp_path / "c.parquet", table)
    (found,) = find_tables(str(path)).tables
    (batch,) = found.read([name], unify_schemas([found], frozenset()), 10)
    assert batch.columns[name][1] is None
    (listed,) = open_catalog(CatalogConfig(str(path))).batches()
    assert len(listed.items) == 2
    if name not in ("far", "nanoseconds"):  # which Python cannot hold
        assert listed.carried[name].to_pylist() == column.to_pylist()


def test_numbers_as_texts():
    table = pa.table(
        {
            "gtin": pa.array([4006381333931.0, None, float("nan")]),
            "price": pa.array([29.5, 1e-7, -3.0], pa.float64()),
            "small": pa.array([29.9, 4.0, None], pa.float32()),
            "big": pa.array([2**63, 0, None], pa.uint64()),
        }
    )
    assert read_texts(table, "gtin") == ["4006381333931", "", ""]
    assert read_texts(table, "price") == ["29.5", "0.0000001", "-3"]
    assert read_texts(table, "small") == ["29.9", "4", ""]
    assert read_texts(table, "big") == ["9223372036854775808", "0", ""]


@pytest.mark.parametrize(
    ("first", "second", "carried"),
    [
        (pa.array([1]), pa.array([2.5]), [1.0, 2.5]),
        (pa.array(["x"]), pa.array([2.0]), ["x", "2"]),
        (pa.array([True]), pa.array([2]), ["true", "2"]),
        (pa.array(["x"]), pa.array(["y"]).dictionary_encode(), ["x", "y"]),
        (pa.array(["x"], pa.large_string()), pa.array(["y"], pa.string_view()), ["x", "y"]),
        (pa.array([["x"]]), pa.array(["y"]), ['["x"]', "y"]),
        (pa.array([[1]]), pa.array([["x"]]), ["[1]", '["x"]']),
        (pa.array([{"a": 1}]), pa.array([{"b": 2}]), ['{"a": 1}', '{"b": 2}']),
        (pa.array([dt.date(2026, 2, 28)]), pa.array([1.5]), ["2026-02-28", "1.5"]),
        (pa.nulls(1), pa.array([["x"]]), [None, ["x"]]),
    ],
    ids=str,
)  # fmt: skip
def test_types_that_differ_between_files(tmp_path, first, second, carried):
    for name, id, column in (("a", "1", first), ("b", "2", second)):
        write_parquet(tmp_path / f"{name}.parquet", pa.table({"id": [id], "title": ["t"], "x": column}))
    batches = open_catalog(CatalogConfig(str(tmp_path))).batches()
    assert [row["x"] for batch in batches for row in batch.carried.to_pylist()] == carried


@pytest.mark.parametrize("is_stream", [False, True])
def test_arrow_files(tmp_path, read_one, is_stream):
    table = pa.table({"id": ["1", "2", "3"], "title": ["a", "b", "c"], "n": [1, 2, None]})
    with pa.OSFile(str(tmp_path / "a.csv"), "wb") as file:
        writer = (pa.ipc.new_stream if is_stream else pa.ipc.new_file)(file, table.schema)
        with writer:
            writer.write_table(table, max_chunksize=2)
    description, records = read_one(tmp_path / "a.csv")
    assert description == ("Arrow stream" if is_stream else "Arrow file (Feather)")
    assert records == table.to_pylist()


@pytest.mark.parametrize("is_stream", [False, True])
def test_cut_arrow_file(tmp_path, is_stream):
    table = pa.table({"id": [str(i) for i in range(1000)], "title": ["a"] * 1000})
    path = tmp_path / "a.arrow"
    with pa.OSFile(str(path), "wb") as file:
        writer = (pa.ipc.new_stream if is_stream else pa.ipc.new_file)(file, table.schema)
        with writer:
            writer.write_table(table, max_chunksize=100)
    clean = path.read_bytes()
    rng = random.Random(0)
    for _ in range(30):
        path.write_bytes(clean[: rng.randrange(8, len(clean) - 100)])
        with pytest.raises(CatalogError, match=r"a\.arrow: a damaged Arrow file") as caught:
            list(open_catalog(CatalogConfig(str(path))).batches())
        assert "\n" not in str(caught.value)


cells = st.one_of(
    st.lists(st.none() | st.text(max_size=5), min_size=3, max_size=3),
    st.lists(st.none() | st.integers(-(2**63), 2**63 - 1), min_size=3, max_size=3),
    st.lists(st.none() | st.booleans(), min_size=3, max_size=3),
    st.lists(st.none() | st.floats(allow_nan=False), min_size=3, max_size=3),
    st.lists(st.none() | st.binary(max_size=5), min_size=3, max_size=3),
    st.lists(st.none() | st.dates(), min_size=3, max_size=3),
    st.lists(st.none() | st.lists(st.text(max_size=3), max_size=2), min_size=3, max_size=3),
)


@settings(max_examples=50, deadline=None)
@given(
    columns=st.dictionaries(
        st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1), cells, max_size=4
    )
)
def test_any_table_is_read_back(tmp_path_factory, columns):
    table = pa.table({**columns, "id": ["1", "2", "3"]})
    path = write_parquet(tmp_path_factory.mktemp("parquet") / "a", table)
    (found,) = find_tables(str(path)).tables
    carried = unify_schemas([found], frozenset())
    batches = list(found.read(found.schema.names, carried, 2))
    for name in table.column_names:
        assert [cell for batch in batches for cell in batch.columns[name]] == table[name].to_pylist()
        assert [cell for batch in batches for cell in batch.carried[name].to_pylist()] == table[
            name
        ].to_pylist()


@pytest.mark.parametrize("is_stream", [False, True])
def test_flipped_bits_of_an_arrow_file_raise_nothing_but_catalog_error(tmp_path, is_stream):
    """Without checksums a text may lie outside of the memory, and looking at it ends the process."""
    table = pa.table({"id": [str(i) for i in range(50)], "title": [f"title {i}" for i in range(50)]})
    path = tmp_path / "a.arrow"
    with pa.OSFile(str(path), "wb") as file:
        writer = (pa.ipc.new_stream if is_stream else pa.ipc.new_file)(file, table.schema)
        with writer:
            writer.write_table(table)
    clean = path.read_bytes()
    rng = random.Random(0)
    for _ in range(200):
        data = bytearray(clean)
        data[rng.randrange(8, len(data))] ^= 1 << rng.randrange(8)
        path.write_bytes(data)
        with suppress(CatalogError):
            assert sum(batch.rows for batch in open_catalog(CatalogConfig(str(path))).batches()) <= 50
