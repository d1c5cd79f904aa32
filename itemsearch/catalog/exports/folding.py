"""Folds the records that continue a listing, its variants and further pictures, into the listing's own."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from itemsearch.catalog.formats.tables import JsonText, TextRecord

Cells = Mapping[str, str | None]
Parse = Callable[[], Iterator[TextRecord]]


@dataclass(frozen=True, slots=True)
class Merging:
    """What a listing gets of the records that continue it.

    pictures: columns whose different cells become one list. joined: columns whose different cells are joined
    by commas. Of any other column the listing has the first cell that is not empty.
    """

    pictures: Sequence[str] = ()
    joined: Sequence[str] = ()

    def merge(self, group: Sequence[TextRecord]) -> TextRecord:
        """The first record of a group, with what the others add and how many there are."""
        first, *others = group
        if not others:
            return first
        cells = {name: self._cell(name, [record.cells.get(name) for record in group]) for name in first.cells}
        continued = sum(1 + record.continued for record in others) + first.continued
        return replace(first, cells=cells, continued=continued)

    def _cell(self, name: str, cells: Sequence[str | None]) -> str | None:
        different = list(dict.fromkeys(cell for cell in cells if cell))
        if len(different) > 1 and name in self.pictures:
            return JsonText(json.dumps(different, ensure_ascii=False))
        if name in self.joined:
            return ", ".join(different)
        return different[0] if different else None


def fold_runs(parse: Parse, continues: Callable[[Cells, Cells], bool], merging: Merging) -> Parse:
    """Folds records that stand right after their listing.

    Args:
        continues: of a listing's cells and those of a record after it, whether the record continues it.
    """

    def records() -> Iterator[TextRecord]:
        group: list[TextRecord] = []
        for record in parse():
            if record.problem:
                yield record
            elif group and continues(group[0].cells, record.cells):
                group.append(record)
            else:
                if group:
                    yield merging.merge(group)
                group = [record]
        if group:
            yield merging.merge(group)

    return records


@dataclass(frozen=True, slots=True)
class Links:
    """How a record is tied to others.

    keys: what others call it by; an empty one is none. parent: a key of the listing that it continues, "" for
    none. children: keys of the records that continue it.
    """

    keys: Sequence[str]
    parent: str = ""
    children: Sequence[str] = ()


def fold_children(parse: Parse, links: Callable[[Cells], Links], merging: Merging) -> Parse:
    """Folds records that name their listing, or that it names, wherever they stand in the file.

    A record whose listing is not there is a listing itself. Memory grows with the records that are folded.
    """

    def records() -> Iterator[TextRecord]:
        listing_of = _find_listings(parse, links)
        children: dict[int, list[TextRecord]] = {}
        for record in parse():
            if record.line in listing_of:
                children.setdefault(listing_of[record.line], []).append(record)
        for record in parse():
            if record.line not in listing_of:
                yield merging.merge([record, *children.pop(record.line, ())])

    return records


def _find_listings(parse: Parse, links: Callable[[Cells], Links]) -> dict[int, int]:
    """The line of its listing for the line of each record that continues one."""
    line_of: dict[str, int] = {}
    parent_of: dict[int, str] = {}
    children: list[tuple[int, Sequence[str]]] = []
    for record in parse():
        if record.problem:
            continue
        tied = links(record.cells)
        for key in filter(None, tied.keys):
            line_of.setdefault(key, record.line)
        if tied.parent:
            parent_of[record.line] = tied.parent
        if tied.children:
            children.append((record.line, tied.children))
    listing_of = {line: line_of[parent] for line, parent in parent_of.items() if parent in line_of}
    listing_of.update({line_of[key]: line for line, keys in children for key in keys if key in line_of})
    return {line: listing for line, listing in listing_of.items() if listing not in listing_of}
