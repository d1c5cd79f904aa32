"""Reads the picture addresses of a catalog."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain, islice
from pathlib import Path

import pyarrow as pa

from itemsearch.catalog import CatalogConfig, open_catalog
from itemsearch.catalog.pictures import picture_sources
from itemsearch.errors import ImageError
from itemsearch.fetched import is_web_address, without_credentials


def pictures_beside(store: Path) -> Path:
    """The folder of the pictures of a store, where none is named."""
    return store.with_name(f"{store.name}-pictures")


def picture_addresses(config: CatalogConfig) -> list[str]:
    """The different web addresses of pictures, in order of appearance; no picture is read.

    Of a row at most `config.max_images`. Addresses that differ in their credentials alone are one.

    Raises:
        CatalogError: as `open_catalog`, or a file is damaged.
    """
    addresses: dict[str, str] = {}
    for row in _image_cells(config):
        pictures = chain.from_iterable(map(_sources, row))
        for source in islice(pictures, config.max_images):
            if isinstance(source, str) and is_web_address(source):
                addresses.setdefault(without_credentials(source), source)
    return list(addresses.values())


def _image_cells(config: CatalogConfig) -> Iterator[tuple[object, ...]]:
    catalog = open_catalog(config)
    names = list(catalog.columns["image"])
    rows = (
        row
        for table in catalog.tables
        for records in table.read(names, pa.schema([]), config.batch_rows)
        for row in zip(*(records.columns[name] for name in names), strict=True)
    )
    return islice(rows, config.rows)


def _sources(cell: object) -> tuple[bytes | str, ...]:
    """The pictures of a cell; none of one that `check` and `embed` say cannot be used."""
    try:
        return picture_sources(cell)
    except ImageError:
        return ()
