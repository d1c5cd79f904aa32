from __future__ import annotations

import pytest

from itemsearch.catalog.formats.open import find_tables
from itemsearch.catalog.formats.options import ReadOptions
from itemsearch.catalog.formats.tables import unify_schemas


def records_of(table):
    """The cells of every record, or its problem; each as it is read for a role."""
    names = table.schema.names
    records = []
    for batch in table.read(names, unify_schemas([table], frozenset()), 2):
        for i, problem in enumerate(batch.problems):
            records.append(problem or {name: batch.columns[name][i] for name in names})
    return records


@pytest.fixture
def read_one():
    """read_one(path, **options) -> (description, records) of the only table there."""

    def to_records(path, **options):
        (table,) = find_tables(str(path), ReadOptions(**options)).tables
        return table.description, records_of(table)

    return to_records


@pytest.fixture
def read_all():
    """read_all(path) -> all records, whatever their problems."""

    def to_records(path):
        return [record for table in find_tables(str(path)).tables for record in records_of(table)]

    return to_records
