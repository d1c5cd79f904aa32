"""itemsearch finds the listings of a catalog that show the same product.

from itemsearch import Engine

engine = Engine.open("INDEX")
for hit in engine.search(id="000123").hits:
    print(hit.rank, hit.id, hit.score)
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from itemsearch.errors import (
    AddressError,
    CatalogError,
    CatalogNotFoundError,
    DecisionsError,
    EmptyCatalogError,
    ExportError,
    FetchError,
    GateError,
    ImageAddressError,
    ImageError,
    ImageNotFoundError,
    ImageTooLargeError,
    IndexFolderError,
    ItemSearchError,
    MissingColumnError,
    ModelError,
    ModelMismatchError,
    NotCatalogError,
    PlanError,
    ReviewError,
    ServiceError,
    StaleDecisionError,
    StoreError,
    TooManyBadRowsError,
    UnknownIdError,
    UsageError,
)

if TYPE_CHECKING:
    from itemsearch.matching.engine import Engine
    from itemsearch.matching.results import Answer, Candidate, Match
    from itemsearch.search.filter import Filter
    from itemsearch.search.results import Hit, Result
    from itemsearch.types import Query

    __version__: str

__all__ = [
    "AddressError",
    "Answer",
    "Candidate",
    "CatalogError",
    "CatalogNotFoundError",
    "DecisionsError",
    "EmptyCatalogError",
    "Engine",
    "ExportError",
    "FetchError",
    "Filter",
    "GateError",
    "Hit",
    "ImageAddressError",
    "ImageError",
    "ImageNotFoundError",
    "ImageTooLargeError",
    "IndexFolderError",
    "ItemSearchError",
    "Match",
    "MissingColumnError",
    "ModelError",
    "ModelMismatchError",
    "NotCatalogError",
    "PlanError",
    "Query",
    "Result",
    "ReviewError",
    "ServiceError",
    "StaleDecisionError",
    "StoreError",
    "TooManyBadRowsError",
    "UnknownIdError",
    "UsageError",
    "__version__",
]

_LAZY = {
    "Answer": "itemsearch.matching.results",
    "Candidate": "itemsearch.matching.results",
    "Engine": "itemsearch.matching.engine",
    "Filter": "itemsearch.search.filter",
    "Hit": "itemsearch.search.results",
    "Match": "itemsearch.matching.results",
    "Query": "itemsearch.types",
    "Result": "itemsearch.search.results",
}
"""Names whose modules take time to import: NumPy, Arrow, FAISS. `itemsearch --help` needs none of them."""

# A type checker reads the imports above instead: it would take every name of a module with a `__getattr__`.
if not TYPE_CHECKING:

    def __getattr__(name: str) -> object:
        """Imports a name of the public interface when it is first used."""
        if name == "__version__":
            from importlib.metadata import version

            return version("itemsearch")
        if name in _LAZY:
            from importlib import import_module

            return getattr(import_module(_LAZY[name]), name)
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
