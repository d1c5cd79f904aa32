"""The options that several commands share, and their checks."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from itemsearch.errors import UsageError

if TYPE_CHECKING:
    from itemsearch.store.kept_pictures import KeepPictures

Catalog = Annotated[
    str,
    typer.Argument(
        help="Catalog: a CSV, JSON, Excel, XML or Parquet file, a folder, a glob, or - for standard input."
    ),
]
MaxBadRate = Annotated[
    float,
    typer.Option(min=0.0, max=1.0, help="Largest share of bad rows; above it the exit code is 3."),
]
Where = Annotated[
    str, typer.Option(help="Only listings that fulfil an SQL condition: \"category = 'Mugs' and price < 9\".")
]
Other = Annotated[
    str, typer.Option(help="Only listings that differ from the query in this column, such as seller.")
]
BatchSize = Annotated[int, typer.Option(min=1, help="Listings encoded at a time.")]
Link = Annotated[
    str, typer.Option(help='Address of a listing\'s page: "https://shop.example/{id}".', metavar="ADDRESS")
]
OtherIndex = Annotated[
    Path | None, typer.Option("--index", help="The index, where it is no longer where the run found it.")
]
Keep = Annotated[
    str,
    typer.Option(
        "--keep-pictures",
        help="Pictures to keep at 384 pixels for `itemsearch review`, beside the store: embedded (those "
        "within the catalog's own file; others are read from their files), all, or none.",
    ),
]
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON object on standard output.")]
Model = Annotated[
    str, typer.Option(help="Model folder or hub name. Default: the weights that come with itemsearch.")
]
Threads = Annotated[int, typer.Option(min=0, help="Threads of the encoder on a CPU; 0 for one on each core.")]
TorchDevice = Annotated[str, typer.Option("--device", help="Device: auto, cpu or cuda.")]


def kept_pictures(keep: str) -> KeepPictures:
    """The value of --keep-pictures.

    Raises:
        UsageError: there is no such value.
    """
    from itemsearch.store.kept_pictures import KeepPictures

    if keep not in list(KeepPictures):
        raise UsageError(f"--keep-pictures is {keep!r}; use {', '.join(KeepPictures)}")
    return KeepPictures(keep)


def column_mapping(option: str, columns: Sequence[str]) -> dict[str, str]:
    """Parses ROLE=NAME options: a dict from role to column name.

    Raises:
        UsageError: an option that is not ROLE=NAME, or a role that is given twice.
    """
    mapping: dict[str, str] = {}
    for column in columns:
        role, equals, name = column.partition("=")
        if not (role and equals and name):
            raise UsageError(f"{option} {column!r}: write ROLE=NAME, e.g. {option} title=product_name")
        if mapping.setdefault(role, name) != name:
            raise UsageError(
                f"{option} {role}={mapping[role]} and {role}={name}: to join columns write "
                f"{role}={mapping[role]}+{name}"
            )
    return mapping
