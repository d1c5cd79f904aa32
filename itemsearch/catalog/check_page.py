"""Writes what `check_catalog` found as one self-contained HTML page, with listings in pictures."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from pathlib import Path

from jinja2 import Environment, PackageLoader, StrictUndefined

from itemsearch.catalog.check import CatalogCheck
from itemsearch.catalog.check_words import in_facts, in_warnings
from itemsearch.indexes.durable import replace_file


def write_check_page(path: Path, summary: CatalogCheck, separator: str, problems: Sequence[str]) -> None:
    """Writes the page.

    Args:
        separator: as `CatalogConfig.category_separator`.
        problems: lines on the pictures that cannot be used.

    Raises:
        OSError: the page cannot be written.
    """
    templates = Environment(
        loader=PackageLoader("itemsearch.catalog"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
    )
    templates.filters["data_uri"] = _data_uri
    page = templates.get_template("check.html").render(
        facts=in_facts(summary, separator), warnings=[*in_warnings(summary), *problems], summary=summary
    )
    replace_file(path, page.encode())


def _data_uri(jpeg: bytes) -> str:
    return f"data:image/jpeg;base64,{base64.b64encode(jpeg).decode()}"
