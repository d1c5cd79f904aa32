from __future__ import annotations

import random

import pyarrow as pa
import pytest

from itemsearch.catalog.formats.names import distinct_schema, renamed


@pytest.mark.parametrize(
    ("written", "names"),
    [
        (["id", "title"], ["id", "title"]),
        (["a", "a", "a"], ["a", "a_2", "a_3"]),
        (["a", "a", "a_2"], ["a", "a_3", "a_2"]),
        (["a_2", "a", "a_2", "a"], ["a_2", "a", "a_2_2", "a_3"]),
        (["", "id", ""], ["column_1", "id", "column_3"]),
        (["", "column_1"], ["column_2", "column_1"]),
        (["Id", "id", "ID"], ["Id", "id", "ID"]),
    ],
)
def test_names(written: list[str], names: list[str]) -> None:
    assert distinct_schema(written, [pa.string()] * len(written)).names == names


def test_every_column_keeps_its_place_and_the_name_that_it_had() -> None:
    rng = random.Random(0)
    for _ in range(500):
        written = rng.choices(["", "a", "a_2", "a_3", "column_1", "column_2", "b"], k=rng.randrange(1, 9))
        schema = distinct_schema(written, [pa.string()] * len(written))
        assert len(set(schema.names)) == len(written)
        assert all(schema.names)
        named = renamed(schema)
        assert [named.get(name, name) for name in schema.names] == written
