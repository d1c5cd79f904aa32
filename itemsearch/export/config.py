"""What is exported, and where to. Imports nothing: the command's help needs it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path


class ExportTo(StrEnum):
    """What an index can be exported to."""

    QDRANT = "qdrant"
    LANCEDB = "lancedb"
    FAISS = "faiss"
    PARQUET = "parquet"


@dataclass(frozen=True, slots=True)
class ExportConfig:
    """What is exported, and where to.

    out: a folder; None for `url`, a server. name: of the collection or table. columns: of the listings; none
    for all but pictures. numbers: columns of text that are exported as numbers. verify: how many queries are
    asked of the target. replace: an export of another index or version is removed first. key: the API key of
    the server; "" for none.
    """

    to: ExportTo
    out: Path | None = None
    url: str = ""
    name: str = "listings"
    columns: tuple[str, ...] = ()
    numbers: tuple[str, ...] = ()
    verify: int = 100
    replace: bool = False
    key: str = ""

    @property
    def where(self) -> str:
        """The folder or the address, for messages."""
        return self.url or str(self.out)
