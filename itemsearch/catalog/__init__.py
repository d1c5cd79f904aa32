"""Reads catalogs and queries files; every row becomes a listing or query, or a reject with a reason."""

from __future__ import annotations

from itemsearch.catalog.check import CatalogCheck, check_catalog
from itemsearch.catalog.config import CatalogConfig
from itemsearch.catalog.formats.options import ReadOptions
from itemsearch.catalog.image_problems import ImageProblemCount, ImageProblemTally
from itemsearch.catalog.placeholders import Placeholder, find_placeholders
from itemsearch.catalog.queries import read_queries
from itemsearch.catalog.read import Catalog, open_catalog

__all__ = [
    "Catalog",
    "CatalogCheck",
    "CatalogConfig",
    "ImageProblemCount",
    "ImageProblemTally",
    "Placeholder",
    "ReadOptions",
    "check_catalog",
    "find_placeholders",
    "open_catalog",
    "read_queries",
]
