"""What `dedupe`, reviews and exports write names no place: it can be moved, copied and mailed."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pyarrow.parquet as pq
from support.catalogs import THINGS, titles, write_catalog
from support.receivers import receiving
from typer.testing import CliRunner

from itemsearch.cli.app import app
from itemsearch.decisions.log import Action
from itemsearch.review.as_json import event_as_json
from itemsearch.review.deliver import Deliverer
from itemsearch.review.session import DecisionRequest, ReviewSession
from itemsearch.review.webhook import Webhook


def run(*arguments: object) -> str:
    result = CliRunner().invoke(app, [str(each) for each in arguments], catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return result.stdout


def texts(path: Path) -> Iterator[str]:
    """The bytes of a file as text, and what is compressed in it."""
    yield path.read_bytes().decode("utf-8", "replace")
    if path.suffix == ".parquet":
        yield str(pq.read_schema(path).metadata)
        yield str(pq.read_metadata(path))
        yield json.dumps(pq.read_table(path).to_pylist(), default=str)
    if path.suffix == ".sqlite":
        with closing(sqlite3.connect(path)) as db:
            yield "\n".join(db.iterdump())


def decide_and_deliver(folder: Path) -> None:
    session = ReviewSession.open(folder)
    group = next(iter(session.groups.values()))
    ids = [listing.id for listing in group.listings]
    with receiving() as receiver:
        webhook = Webhook.parse(receiver.url, "")
        with Deliverer(
            webhook, session.decisions, lambda event: event_as_json(session, event), print
        ).running():
            session.decide(DecisionRequest(Action.CONFIRM, group.id, ids, 99, ids, who="Ann"))
            session.keep(ids[1], DecisionRequest(Action.KEEP, group.id, ids, 99, ids, who="Ann"))


def test_no_file_names_the_place_where_it_was_made_and_all_works_elsewhere(
    tmp_path: Path, tiny_model: Path
) -> None:
    catalog = write_catalog(tmp_path / "shop", 40)
    with catalog.open("a") as file:
        for number, title in enumerate(titles(15)):
            file.write(f"again-{number},{title},images/{number}.png,{THINGS[number % 10]},{number}.50\n")
        file.write("lost,A lamp of which the picture is missing,images/none.png,lamp,1\n")
        file.write("broken,A chair of which the picture is broken,images/broken.png,chair,1\n")
        file.write("neither,,images/none.png,chair,1\n")
    (tmp_path / "shop" / "images" / "broken.png").write_bytes(b"no picture")
    here = tmp_path / "here"
    dedupe = ("--model", tiny_model, "--device", "cpu")
    run("dedupe", catalog, "--out", here, *dedupe)
    decide_and_deliver(here / "duplicates")
    run("dedupe", catalog, "--out", here, *dedupe)
    run("export-actions", here / "duplicates", "--out", here / "actions.jsonl")

    files = [path for path in here.rglob("*") if path.is_file()]
    assert {path.suffix for path in files} >= {".parquet", ".sqlite", ".json", ".html", ".csv", ".npy"}
    named = {str(path.relative_to(here)) for path in files for text in texts(path) if str(tmp_path) in text}
    assert named == set()

    there = here.rename(tmp_path / "elsewhere")
    session = ReviewSession.open(there / "duplicates")
    assert session.labels().people.labels
    assert session.engine.folder == there / "index"
    ids = [listing.id for listing in next(iter(session.groups.values())).listings]
    assert "Ann decided" in run("explain", there / "duplicates", *ids[:2])
    assert "0 reused" not in run("dedupe", catalog, "--out", there, *dedupe)
