"""Lists the files in a zip archive."""

from __future__ import annotations

from dataclasses import replace
from pathlib import PurePosixPath
from zipfile import BadZipFile, ZipFile

from itemsearch.catalog.formats.find import is_hidden, keys_of
from itemsearch.catalog.formats.source import Source
from itemsearch.errors import CatalogError, NotCatalogError

_DOCUMENTS = (
    ("xl/workbook.bin", "a binary Excel file (.xlsb)", "save the sheet as .xlsx or CSV"),
    ("word/document.xml", "a Word document", "save its table as .xlsx or CSV"),
    ("ppt/presentation.xml", "a PowerPoint file", "save its table as .xlsx or CSV"),
    ("Index/Document.iwa", "an Apple Numbers file", "export it as .xlsx or CSV"),
    ("META-INF/manifest.xml", "an OpenDocument file (.ods)", "save the sheet as .xlsx or CSV"),
    ("archive/data.pkl", "a PyTorch file", ""),
)


def open_archive(source: Source) -> list[Source] | None:
    """The files in a zip archive, sorted, but hidden ones; None where it is an Excel file.

    Args:
        source: of a local file.

    Raises:
        NotCatalogError: it is a document of another kind.
        CatalogError: it is damaged.
    """
    try:
        with ZipFile(source.file) as archive:
            names = sorted(info.filename for info in archive.infolist() if not info.is_dir())
    except (BadZipFile, OSError, ValueError, NotImplementedError) as error:
        raise CatalogError(f"{source}: a damaged zip archive ({error}): copy or pack it again") from error
    for name, what, mend in _DOCUMENTS:
        if name in names:
            raise NotCatalogError(f"{source}: {what}, not a catalog" + (f": {mend}" if mend else ""))
    if "xl/workbook.xml" in names:
        return None
    if source.member:
        raise NotCatalogError(f"{source}: a zip archive in another: unpack it first")
    paths = [PurePosixPath(name) for name in names]
    return [
        replace(
            source, member=str(path), archive=source.file, stored=None, keys={**source.keys, **keys_of(path)}
        )
        for path in paths
        if not is_hidden(path) and not any(part.startswith((".", "__MACOSX")) for part in path.parts)
    ]
