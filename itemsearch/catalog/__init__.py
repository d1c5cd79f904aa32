"""Reads catalogs and queries files; every row becomes a listing or query, or a reject with a reason."""

from __future__ import annotations

from itemsearch.catalog.check import CatalogCheck, check_catalog
from itemsearch.catalog.config import CatalogConfig
from itemsearch.catalog.formats.options import ReadOptions
from itemsearch.catalog.image_problems import ImageProblemCount, ImageProblemTally
from itemsearch.catalog.placeholders import Placeholder
from itemsearch.catalog.queries import read_queries
from itemsearch.catalog.read import Catalog, open_catalog
from itemsearch.catalog.survey import Survey, find_placeholders, survey_catalog

__all__ = [
    "Catalog",
    "CatalogCheck",
    "CatalogConfig",
    "ImageProblemCount",
    "ImageProblemTally",
    "Placeholder",
    "ReadOptions",
    "Survey",
    "check_catalog",
    "find_placeholders",
    "open_catalog",
    "read_queries",
    "survey_catalog",
]
