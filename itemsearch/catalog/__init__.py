"""Catalog and query files in, products, queries and rejects out: no row is dropped silently."""

from __future__ import annotations

from itemsearch.catalog.check import CatalogCheck, check_catalog
from itemsearch.catalog.config import RESERVED_COLUMNS, CatalogConfig
from itemsearch.catalog.queries import read_queries
from itemsearch.catalog.read import open_catalog, read_catalog

__all__ = [
    "RESERVED_COLUMNS",
    "CatalogCheck",
    "CatalogConfig",
    "check_catalog",
    "open_catalog",
    "read_catalog",
    "read_queries",
]
