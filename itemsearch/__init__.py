"""itemsearch: near-duplicate product search.

from itemsearch import Engine

engine = Engine.open("INDEX")
for hit in engine.search(id="000123").hits:
    print(hit.rank, hit.id, hit.score)
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from itemsearch.search.engine import Engine
    from itemsearch.search.results import Hit, SearchResult

__all__ = ["Engine", "Hit", "SearchResult"]


def __getattr__(name: str) -> Any:
    """Loads FAISS and Arrow when the engine is asked for, so that `itemsearch --help` need not."""
    if name == "Engine":
        from itemsearch.search.engine import Engine

        return Engine
    if name in ("Hit", "SearchResult"):
        from itemsearch.search import results

        return getattr(results, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
