from __future__ import annotations

import pytest

from itemsearch.catalog.formats.jsonl import open_jsonl
from itemsearch.catalog.formats.source import Source


@pytest.fixture
def parse(write):
    """parse(content) -> [(line, cells or problem)]."""

    def to_records(content):
        table = open_jsonl(Source(write("a.jsonl", content)))
        return [(record.line, record.problem or dict(record.cells)) for record in table.parse()]

    return to_records


def test_values_are_kept_as_text(parse):
    line = (
        '{"id": "007", "n": 1.50, "big": 12345678901234567890123, "e": 1E400, "none": null, "yes": true, '
        '"nested": {"a": [1.0, "é\\n", null, false]}, "pair": "\\ud83d\\ude00"}\r\n'
    )
    (record,) = parse(line)
    assert record == (
        1,
        {
            "id": "007",
            "n": "1.50",
            "big": "12345678901234567890123",
            "e": "1E400",
            "none": None,
            "yes": "true",
            "nested": '{"a":[1.0,"é\\n",null,false]}',
            "pair": "😀",
        },
    )


def test_columns_are_the_union_of_the_sound_lines(write):
    path = write("a.jsonl", '\ufeff{"b": 1}\n{"bad": nan}\n\n{"a": 1, "b": 2}\n')
    assert open_jsonl(Source(path)).schema.names == ["b", "a"]


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        (b'{"id": 1', "delimiter"),
        (b"[1, 2]", "it is [1,2]"),
        (b'"text"', 'it is "text"'),
        (b"{'id': '1'}", "Python literal"),
        (b'{"id": nan}', "Expecting value"),
        (b'{"id": 1, "id": 2}', "'id' is there twice"),
        (b'{"id": {"a": 1, "a": 2}}', "'a' is there twice"),
        (b'{"id": "\\ud800"}', "not Unicode"),
        (b'{"\\udc00": 1}', "not Unicode"),
        (b'{"id": ["\\ud800"]}', "not Unicode"),
        (b'{"id": "\xff"}', "not Unicode"),
        (b'{"id": ' + b"[" * 100_000, "recursion"),
        (b'{"id": ' + b"[" * 700 + b"]" * 700 + b"}", "recursion"),
    ],
)
def test_bad_line_costs_one_row(parse, line, problem):
    records = parse(b'{"id": "1"}\n' + line + b'\n\n{"id": "2"}\n')
    assert records[0] == (1, {"id": "1"})
    assert records[1][0] == 2
    assert problem in records[1][1]
    assert records[2] == (4, {"id": "2"})


def test_moderate_nesting_is_fine(parse):
    nested = "[" * 50 + "]" * 50
    assert parse(f'{{"id": {nested}}}') == [(1, {"id": nested})]


def test_numbers_that_are_none_are_missing(parse):
    line = '{"id": "1", "a": NaN, "b": Infinity, "c": -Infinity, "d": [1, NaN], "e": "NaN"}'
    assert parse(line) == [(1, {"id": "1", "a": None, "b": None, "c": None, "d": "[1,null]", "e": "NaN"})]


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-be", "utf-8-sig"])
def test_any_unicode(parse, encoding):
    assert parse('{"id": "1", "title": "Café"}\n'.encode(encoding)) == [(1, {"id": "1", "title": "Café"})]
