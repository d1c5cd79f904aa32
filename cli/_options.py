"""Options that several commands share, and their checks."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from itemsearch.errors import UsageError

if TYPE_CHECKING:
    from itemsearch.catalog import CatalogConfig

Catalog = Annotated[
    str, typer.Argument(help="CSV, TSV, JSONL or Parquet: a file, a folder of files or a glob.")
]
Columns = Annotated[
    list[str],
    typer.Option(
        "--column",
        help="Which column holds what, e.g. title=product_name. Roles: id, title, image, category.",
    ),
]
ImageRoot = Annotated[
    Path | None, typer.Option(help="Folder that image paths start from. Default: the catalog file's own.")
]
MaxBadRate = Annotated[
    float,
    typer.Option(min=0.0, max=1.0, help="Share of bad rows past which the command fails with exit code 3."),
]
Where = Annotated[
    str, typer.Option(help="Only products that fulfil an SQL condition: \"category = 'Mugs' and price < 9\".")
]
Other = Annotated[
    str, typer.Option(help="Only results that differ from the query in this column, such as seller.")
]
BatchSize = Annotated[int, typer.Option(min=1, help="Products encoded at a time.")]
AsJson = Annotated[bool, typer.Option("--json", help="One JSON object on standard output.")]
Model = Annotated[str, typer.Option(help="Model folder or hub name; the shipped weights by default.")]
TorchDevice = Annotated[str, typer.Option("--device", help="auto, cpu or cuda.")]


def catalog_config(path: str, columns: list[str], image_root: Path | None) -> CatalogConfig:
    """
    Raises:
        UsageError: a --column that is not ROLE=NAME, an unknown role, or an image root that is no folder.
    """
    from itemsearch.catalog import CatalogConfig

    if image_root is not None and not image_root.is_dir():
        raise UsageError(f"--image-root {image_root}: no such folder")
    return CatalogConfig(path, column_mapping("--column", columns), image_root)


def column_mapping(option: str, columns: list[str]) -> dict[str, str]:
    """Role to column name.

    Raises:
        UsageError: one that is not ROLE=NAME.
    """
    mapping = {}
    for column in columns:
        role, equals, name = column.partition("=")
        if not (role and equals and name):
            raise UsageError(f"{option} {column!r}: write ROLE=NAME, e.g. {option} title=product_name")
        mapping[role] = name
    return mapping
