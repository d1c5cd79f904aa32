"""Writes the table of the exports that are recognised, for docs/catalogs.md."""

from __future__ import annotations

from itemsearch.catalog.exports.known import KNOWN_EXPORTS, Export

_ROLES = ("id", "title", "image", "category")


def exports_table() -> str:
    """A Markdown table: a row for each of `KNOWN_EXPORTS`."""
    head = ["export", "recognised by its columns", *_ROLES, "what becomes of its rows"]
    lines = [
        "| " + " | ".join(cells) + " |" for cells in (head, ["---"] * len(head), *map(_row, KNOWN_EXPORTS))
    ]
    return "\n".join(lines) + "\n"


def _row(export: Export) -> list[str]:
    roles = [", else ".join(f"`{name}`" for name in export.roles.get(role, ())) for role in _ROLES]
    return [export.name, ", ".join(f"`{name}`" for name in export.told_by), *roles, export.rows]
