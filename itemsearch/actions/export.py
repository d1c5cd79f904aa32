"""Exports actions and merged listings, and remembers beside the decisions what was exported."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import pyarrow as pa

from itemsearch.actions.merged import MergeRules, merged_table
from itemsearch.actions.products import Product, find_products
from itemsearch.actions.table import ActionMaker, ActionRow, ToDo, actions_table
from itemsearch.errors import DecisionsError, UsageError
from itemsearch.indexes.durable import replace_file
from itemsearch.review.links import check_link
from itemsearch.review.session import ReviewSession
from itemsearch.table_files import check_out, writing

EXPORTED = "exported.json"
"""The file in the index folder, beside the decisions, that holds what was exported of each listing."""
FORMAT = 1

State = Mapping[str, tuple[str, ...]]
"""Id to the state of its `ActionRow` when it was exported last."""


@dataclass(frozen=True, slots=True)
class ExportConfig:
    """What is exported.

    out: the file of the actions. automatic: the automatic groups as well. everything: also what was exported
    before. link: as in `page_of`. merged: the file of merged listings; None for none. newest, rules: as in
    `MergeRules.parse`.
    """

    out: Path
    automatic: bool = False
    everything: bool = False
    link: str = ""
    merged: Path | None = None
    newest: str = ""
    rules: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ExportReport:
    """Counts of an export.

    products: with a row. actions: rows by action. taken_back: of those to keep, the listings that an earlier
    export took down. before: rows left out because they were exported before. pending: listings that
    decisions joined with others since the run, which the next run knows.
    """

    products: int
    rows: int
    actions: Mapping[str, int]
    taken_back: int
    before: int
    pending: int


@dataclass(frozen=True, slots=True)
class _Planned:
    rows: list[ActionRow] = field(default_factory=list)
    products: list[Product] = field(default_factory=list)
    taken_back: list[ActionRow] = field(default_factory=list)
    before: int = 0
    pending: int = 0


def export_actions(session: ReviewSession, config: ExportConfig, dry_run: bool = False) -> ExportReport:
    """Writes the actions on what is new since the last export, and the merged listings of these products.

    Args:
        dry_run: count, and write nothing.

    Raises:
        UsageError: a kind of file, a link or a rule that does not fit.
        DecisionsError: what was exported cannot be read.
        OSError: a file cannot be written.
    """
    listings = session.engine.listings
    check_out("--out", config.out)
    if config.merged:
        check_out("--merged", config.merged, [config.out])
    check_link(config.link)
    if session.cards is None:
        raise UsageError("an index alone has no groups: give a folder of itemsearch duplicates")
    rules = MergeRules.parse(config.newest, config.rules, listings.column_names)
    state_file = session.engine.folder / EXPORTED
    state = _read_state(state_file)
    planned = _plan(session, config, state)
    rows = [*planned.rows, *planned.taken_back]
    if not dry_run:
        _write(config.out, actions_table(rows, listings))
        if config.merged:
            _write(config.merged, merged_table(planned.products, listings, rules))
        _write_state(state_file, {**state, **{row.id: row.state for row in rows}})
    counts = Counter(row.todo.value for row in rows)
    return ExportReport(
        products=len(planned.products),
        rows=len(rows),
        actions={todo.value: counts[todo.value] for todo in ToDo},
        taken_back=len(planned.taken_back),
        before=planned.before,
        pending=planned.pending,
    )


def _write(path: Path, table: pa.Table) -> None:
    with writing(path, table.schema) as file:
        file.write(table)


def _plan(session: ReviewSession, config: ExportConfig, state: State) -> _Planned:
    maker, products = ActionMaker(session, config.link), find_products(session, config.automatic)
    rows: list[ActionRow] = []
    exported: list[Product] = []
    before = 0
    for product in products.found:
        made = maker.rows(product)
        new = [row for row in made if config.everything or state.get(row.id) != row.state]
        before += len(made) - len(new)
        rows += new
        exported += [product] if new else []
    gone = [id for id, (todo, *_) in state.items() if todo != ToDo.KEEP and id not in products.known]
    present = [listing.id for listing in session.listings(gone)]
    back = [maker.taken_back(id, state[id][0]) for id in present]
    return _Planned(rows, exported, back, before, len(products.pending))


def _read_state(path: Path) -> State:
    try:
        held = json.loads(path.read_text("utf-8"))
        if held["format"] != FORMAT:
            raise DecisionsError(f"{path}: written by a later itemsearch; use that one")
        return {id: tuple(state) for id, state in held["listings"].items()}
    except FileNotFoundError:
        return {}
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise DecisionsError(
            f"{path}: damaged ({error}); put a backup in its place, or move it away to export everything"
        ) from error


def _write_state(path: Path, state: State) -> None:
    held = {"format": FORMAT, "listings": {id: list(each) for id, each in state.items()}}
    replace_file(path, json.dumps(held, ensure_ascii=False, indent=1).encode())
