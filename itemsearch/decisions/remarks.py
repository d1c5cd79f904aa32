"""Who is to look at which listings, and what people noted on them.

Both belong to listings, not to groups, whose ids and members may change with the next run: a group is
assigned to whom one of its listings was assigned last, and has the notes on all of its listings.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Self

from itemsearch.decisions.events import Action


@dataclass(frozen=True, slots=True)
class Remark:
    """A note on listings, or their assignment. event, at, who: as in `Event`. text: the words, or the person;
    "" for nobody."""

    event: int
    at: str
    action: Action
    who: str
    text: str
    ids: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Remarks:
    """Those that stand. assigned: id to the latest assignment. notes: id to its notes, the earliest first."""

    assigned: Mapping[str, Remark] = field(default_factory=dict)
    notes: Mapping[str, Sequence[Remark]] = field(default_factory=dict)

    @classmethod
    def of(cls, remarks: Iterable[Remark]) -> Self:
        """Sorts remarks by listing; `remarks`, the earliest first."""
        assigned: dict[str, Remark] = {}
        notes: dict[str, list[Remark]] = {}
        for remark in remarks:
            for id in remark.ids:
                if remark.action is Action.ASSIGN:
                    assigned[id] = remark
                else:
                    notes.setdefault(id, []).append(remark)
        return cls(assigned, notes)

    def assignee(self, ids: Iterable[str]) -> str:
        """To whom one of `ids` was assigned last; "" for nobody."""
        found = (self.assigned[id] for id in ids if id in self.assigned)
        latest = max(found, key=lambda remark: remark.event, default=None)
        return latest.text if latest else ""

    def notes_on(self, ids: Iterable[str]) -> list[Remark]:
        """The notes on any of `ids`, the earliest first."""
        found = {note.event: note for id in ids for note in self.notes.get(id, ())}
        return [found[event] for event in sorted(found)]

    def people(self) -> set[str]:
        """The names to whom something is assigned."""
        return {remark.text for remark in self.assigned.values() if remark.text}


def as_text(notes: Sequence[Remark]) -> str:
    """Notes in one cell: "wrong colour (Ann, 2026-03-01); ..."."""
    parts = []
    for note in notes:
        origin = ", ".join(part for part in (note.who, note.at[:10]) if part)
        parts.append(f"{note.text} ({origin})")
    return "; ".join(parts)
