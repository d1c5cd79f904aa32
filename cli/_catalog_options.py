"""The options that every command which reads a catalog has, in one place."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import MISSING, dataclass, field, fields
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, get_type_hints

import typer

from itemsearch.cli._options import column_mapping
from itemsearch.errors import UsageError

if TYPE_CHECKING:
    from itemsearch.catalog import CatalogConfig

Command = Callable[..., None]


@dataclass(frozen=True, slots=True)
class CatalogOptions:
    """How a catalog is read. A command takes it as one parameter; `with_catalog_options` gives the command an
    option for each field."""

    column: Annotated[
        list[str],
        typer.Option(
            help="Column of a role, e.g. title=product_name, or title=brand+name for several; repeatable. "
            "Roles: id, title, image, category."
        ),
    ] = field(default_factory=list)
    ignore_column: Annotated[
        list[str], typer.Option(help="Column that is neither read nor carried; repeatable.")
    ] = field(default_factory=list)
    category_separator: Annotated[
        str, typer.Option(help="Text between the names of a category path. Default: >, >>, » and the like.")
    ] = ""
    image_root: Annotated[
        Path | None,
        typer.Option(help="Folder that image paths are relative to. Default: the catalog file's folder."),
    ] = None
    sheet: Annotated[
        str, typer.Option(help="Sheet to read of an Excel file. Default: the first that has rows.")
    ] = ""

    delimiter: Annotated[
        str,
        typer.Option(help="Character between the cells of CSV and TSV, or tab. Default: found in the file."),
    ] = ""
    encoding: Annotated[
        str,
        typer.Option(help="Encoding of CSV and TSV, e.g. windows-1250. Default: found in the file."),
    ] = ""
    quoting: Annotated[
        str,
        typer.Option(
            help="Quotes within quoted cells: doubled or backslash; none where quotes are characters. "
            "Default: found in the file."
        ),
    ] = ""
    comment: Annotated[
        str, typer.Option(help="Leave out lines of CSV and TSV that begin with it, e.g. '#'.")
    ] = ""
    fetched: Annotated[
        Path | None,
        typer.Option(
            help="Folder of `itemsearch fetch`: pictures that are web addresses are read from there. "
            "Nothing is downloaded without --fetch."
        ),
    ] = None

    max_images: Annotated[
        int,
        typer.Option(
            help="Pictures of a row that are read: the first that can be used is embedded, the others "
            "are compared by sketches. 4 is a guess."
        ),
    ] = 4
    require_image: Annotated[
        bool,
        typer.Option(
            "--require-image",
            help="Reject a row whose pictures cannot be used, though it has a title. Default: it goes on by "
            "the title, and is counted.",
        ),
    ] = False

    def config(self, path: str) -> CatalogConfig:
        """The catalog at `path`, read as the options say.

        Raises:
            UsageError: a --column that is not ROLE=NAME, an unknown role, an image root that is no folder, or
                a delimiter, encoding or quoting that is none.
        """
        from itemsearch.catalog import CatalogConfig, ReadOptions

        if self.image_root is not None and not self.image_root.is_dir():
            raise UsageError(f"--image-root {self.image_root}: no such folder")
        if self.max_images < 1:
            raise UsageError(f"--max-images {self.max_images}: give 1 or more")
        return CatalogConfig(
            path,
            column_mapping("--column", self.column),
            self.image_root,
            read=ReadOptions(self.delimiter, self.encoding, self.quoting, self.comment, self.sheet),
            ignored=tuple(self.ignore_column),
            category_separator=self.category_separator,
            max_images=self.max_images,
            require_image=self.require_image,
            fetched=self.fetched,
        )


def with_catalog_options(command: Command, without: tuple[str, ...] = ()) -> Command:
    """Replaces a command's parameter of type `CatalogOptions` by one option for each of its fields.

    without: the fields that mean nothing to the command; they keep their defaults.
    """
    names = [each.name for each in fields(CatalogOptions) if each.name not in without]
    hints = get_type_hints(command, include_extras=True)
    parameters: list[inspect.Parameter] = []
    for parameter in inspect.signature(command).parameters.values():
        if hints[parameter.name] is CatalogOptions:
            place = parameter.name
            parameters += [option for option in _options() if option.name in names]
        else:
            by_name = parameter.replace(kind=inspect.Parameter.KEYWORD_ONLY, annotation=hints[parameter.name])
            parameters.append(by_name)

    @wraps(command)
    def with_options(**given: Any) -> None:
        catalog = CatalogOptions(**{name: given.pop(name) for name in names})
        command(**given, **{place: catalog})

    with_options.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
    with_options.__annotations__ = {parameter.name: parameter.annotation for parameter in parameters}
    return with_options


def _options() -> list[inspect.Parameter]:
    hints = get_type_hints(CatalogOptions, include_extras=True)
    return [
        inspect.Parameter(
            each.name,
            inspect.Parameter.KEYWORD_ONLY,
            default=each.default if each.default_factory is MISSING else each.default_factory(),
            annotation=hints[each.name],
        )
        for each in fields(CatalogOptions)
    ]
