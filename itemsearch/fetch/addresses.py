"""Reads the picture addresses of a catalog."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain, islice
from pathlib import Path

import pyarrow as pa

from itemsearch.catalog import CatalogConfig, open_catalog
from itemsearch.fetched import is_web_address, without_credentials


def pictures_beside(store: Path) -> Path:
    """The folder of the pictures of a store, where none is named."""
    return store.with_name(f"{store.name}-pictures")


def picture_addresses(config: CatalogConfig) -> list[str]:
    """The different web addresses in the image column, in order of appearance; no picture is read.

    Addresses that differ in their credentials alone are one.

    Raises:
        CatalogError: as `open_catalog`, or a file is damaged.
    """
    addresses: dict[str, str] = {}
    for cell in _image_cells(config):
        for source in _sources(cell):
            if isinstance(source, str) and is_web_address(source):
                addresses.setdefault(without_credentials(source), source)
    return list(addresses.values())


def _image_cells(config: CatalogConfig) -> Iterator[object]:
    catalog = open_catalog(config)
    names = list(catalog.columns["image"])
    rows = (
        row
        for table in catalog.tables
        for records in table.read(names, pa.schema([]), config.batch_rows)
        for row in zip(*(records.columns[name] for name in names), strict=True)
    )
    return chain.from_iterable(islice(rows, config.rows))


def _sources(cell: object) -> tuple[object, ...]:
    """The pictures of a cell: text, bytes, or a dict of either."""
    if isinstance(cell, dict):
        cell = cell.get("path")
    return (cell.strip(),) if isinstance(cell, str) else (cell,)
