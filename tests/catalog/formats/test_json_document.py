from __future__ import annotations

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from itemsearch.catalog.formats.json_document import open_json
from itemsearch.catalog.formats.json_values import DECODER, record_cells
from itemsearch.catalog.formats.source import Source
from itemsearch.errors import CatalogError, NotCatalogError

ROWS = [{"id": "1", "n": 1.50}, {"id": "2", "tags": ["a", {"b": None}]}]
CELLS = [{"id": "1", "n": "1.5"}, {"id": "2", "tags": '["a",{"b":null}]'}]


def parse(path):
    table = open_json(Source(path))
    return table.description, [record.problem or dict(record.cells) for record in table.parse()]


@pytest.mark.parametrize(
    ("content", "description"),
    [
        (json.dumps(ROWS), "JSON array"),
        (json.dumps(ROWS, indent=1), "JSON array"),
        ("\ufeff " + json.dumps(ROWS) + "\n", "JSON array"),
        (json.dumps({"products": ROWS}), "JSON, array products"),
        (json.dumps({"version": 1, "title": "Feed", "items": ROWS, "sizes": [1, 2]}), "JSON, array items"),
        (json.dumps({"next": None, "whatever": ROWS}, indent=2), "JSON, array whatever"),
        (json.dumps({"response": {"n": 2, "docs": ROWS}, "facets": [{"a": 1}]}), "JSON, array response.docs"),
        ("\n".join(json.dumps(row) for row in ROWS), "JSON Lines"),
        ("\n\n".join(json.dumps(row, indent=1) for row in ROWS), "JSON objects"),
        ("".join(json.dumps(row) for row in ROWS), "JSON objects"),
    ],
)
def test_every_shape(write, content, description):
    assert parse(write("a.json", content)) == (description, CELLS)


@pytest.mark.parametrize("encoding", ["utf-16", "utf-8-sig"])
def test_other_encodings(write, encoding):
    content = json.dumps([{"id": "é"}], ensure_ascii=False, indent=1).encode(encoding)
    assert parse(write("a.json", content))[1] == [{"id": "é"}]


@pytest.mark.parametrize(
    "record",
    [
        {"id": 1, "title": "Mug", "images": [{"src": "a.jpg"}]},
        {"title": "Mug", "images": [{"src": "a.jpg"}], "variants": [{"id": 2}]},
        {"id": 1, "items": [{"sku": "x"}]},
    ],
)
@pytest.mark.parametrize("indent", [None, 1])
def test_one_listing_with_lists_of_its_own(write, record, indent):
    _, (cells,) = parse(write("a.json", json.dumps(record, indent=indent)))
    assert list(cells) == list(record)


def test_first_line_that_is_broken_costs_one_row(write):
    path = write("a.json", '{"id": 1\n{"id": 2}\n{"id": 3}, \n')
    description, records = parse(path)
    assert description == "JSON Lines"
    assert ["not a JSON object" in record for record in records] == [True, False, True]


def test_bad_records_of_an_array_cost_a_row_each(write):
    content = '[{"id": "1"}, 7, {"id": NaN}, {"id": 1, "id": 2}, {"id": "\\ud800"}, {"id": "5"}]'
    records = parse(write("a.json", content))[1]
    assert records[0] == {"id": "1"}
    assert records[2] == {"id": None}
    assert records[5] == {"id": "5"}
    for record, problem in (
        (records[1], "it is 7"),
        (records[3], "there twice"),
        (records[4], "not Unicode"),
    ):
        assert problem in record


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ('[{"id": "1"}, {"id": ', "not JSON: .* past value 1"),
        ('[{"id": "1"}, {"id": "2"}', "the end where ',' should be, past value 2"),
        ('[{"id": "1"} {"id": "2"}]', "'{' where ',' should be, past value 1"),
        ('[{"id": "1"}, {id: "2"}, {"id": "3"}]', "not JSON: .*property name"),
        ('[{"id": "1"}] more', "something follows its end"),
        ('{"products": [{"id": "1"}], "offers": [{"id": "2"}], "x"', "not JSON"),
        ('{"a": [{"x": 1}], "b": {"c": [{"x": 2}]}}', r"2 arrays of objects \(a, b\.c\)"),
        ('{"products": [{"x": 1}], "items": [{"x": 2}]}', r"2 arrays of objects \(products, items\)"),
        ("[" * 100_000, "recursion"),
    ],
)
def test_damage_is_one_line_that_names_the_file(write, content, message):
    with pytest.raises(CatalogError, match=rf"a\.json: .*{message}") as caught:
        parse(write("a.json", content))
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "content",
    [
        '{"error": "x"}',
        '{"a": {"0": 1, "1": 2}, "b": {"0": 3}}',
        '{\n "columns": ["id"],\n "data_": [[1]]\n}',
    ],
)
def test_json_without_listings(write, content):
    with pytest.raises(NotCatalogError, match=r"no array of objects.*write an array of objects"):
        parse(write("a.json", content))


def test_an_array_without_records_has_no_columns(write):
    assert parse(write("a.json", "[]")) == ("JSON array", [])
    assert parse(write("a.json", '{"products": []}')) == ("JSON, array products", [])


def test_values_across_the_pieces_that_are_read(write, monkeypatch):
    rows = [{"id": f"é{i}", "text": "x\\n" * (i % 7000), "n": i * 1000} for i in range(300)]
    path = write("a.json", json.dumps({"meta": list(range(99)), "rows": rows}, indent=1))
    assert parse(path)[1] == [{"id": row["id"], "text": row["text"], "n": str(row["n"])} for row in rows]


def test_a_value_without_end_does_not_fill_the_memory(write, monkeypatch):
    monkeypatch.setattr("itemsearch.catalog.formats.json_reader.MAX_LINE_CHARS", 2**20)
    with pytest.raises(CatalogError, match="a value of over 1,048,576 characters, past value 1"):
        parse(write("a.json", '[{"id": "1"}, {"id": "' + "x" * 2**22 + '"}]'))


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


@settings(max_examples=50, deadline=None)
@given(
    rows=st.lists(st.dictionaries(st.text(), json_values, max_size=4), max_size=5),
    indent=st.sampled_from([None, 1]),
)
def test_any_array_is_read_back(tmp_path_factory, rows, indent):
    path = tmp_path_factory.mktemp("json") / "a.json"
    path.write_text(json.dumps(rows, indent=indent), "utf-8")
    description, records = parse(path)
    assert description == "JSON array"
    assert records == [record_cells(DECODER.decode(json.dumps(row))) for row in rows]
    for row, record in zip(rows, records, strict=True):
        assert {
            key: v if isinstance(row[key], str) or v is None else json.loads(v) for key, v in record.items()
        } == row
