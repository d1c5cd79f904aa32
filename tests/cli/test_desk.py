"""The story of a desk: find, decide, export, do it in the shop, and the next night nothing comes back."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import pytest
from support.feeds import product, product_title, write_listings
from typer.testing import CliRunner, Result

from itemsearch.cli.app import app
from itemsearch.decisions.events import Action
from itemsearch.errors import UsageError
from itemsearch.review.decision_request import DecisionRequest
from itemsearch.review.session import ReviewSession


def run(*arguments: object) -> Result:
    return CliRunner().invoke(app, [str(each) for each in arguments], catch_exceptions=False)


def test_what_was_decided_and_done_does_not_come_back(tmp_path: Path, tiny_model: Path) -> None:
    shop = [product(number, f"shop-{number}") for number in range(40)]
    again = [product(number, f"twice-{number}", f"{product_title(number)} new") for number in range(15)]
    catalog, out = write_listings(tmp_path, "catalog.csv", [*shop, *again]), tmp_path / "out"
    dedupe = ("dedupe", catalog, "--out", out, "--model", tiny_model, "--device", "cpu", "--json")
    assert run(*dedupe).exit_code == 0
    folder = out / "duplicates"
    session = ReviewSession.open(folder)
    for group in session.groups.values():
        ids = [listing.id for listing in group.listings]
        right = len({id.split("-")[1] for id in ids}) == 1
        action = Action.CONFIRM if right else Action.REJECT
        seen = session.decisions.last_change()
        session.decide(DecisionRequest(action, group.id, ids, seen, ids, who="Ann"))
    # A pair that was missed, or an answered one once more, joined as from a search.
    pair = ["shop-14", "twice-14"]
    seen = session.decisions.last_change()
    session.decide(DecisionRequest(Action.CONFIRM, "", pair, seen, pair, who="Ann"))

    night = json.loads(run(*dedupe).stdout)["duplicates"]
    assert (night["groups"]["automatic"], night["groups"]["review"]) == (0, 0)
    assert night["groups"]["confirmed"] > 10
    page = (folder / "report.html").read_text()
    assert "chip automatic" not in page.replace(".chip.automatic", "")
    assert "chip review" not in page.replace(".chip.review", "")
    assert "Ann decided on 20" in run("explain", folder, *pair).stdout

    export = ("export-actions", folder, "--out", tmp_path / "actions.csv")
    planned = run(*export, "--dry-run")
    assert "nothing: a dry run" in planned.stdout
    assert not (tmp_path / "actions.csv").exists()
    done = run(*export, "--merged", tmp_path / "merged.csv")
    assert "import them as text" in done.stderr
    with (tmp_path / "actions.csv").open(encoding="utf-8-sig") as file:
        down = {row["id"] for row in csv.DictReader(file) if row["action"] == "take down"}
    assert len(down) == night["groups"]["confirmed"]
    assert len(down & set(pair)) == 1
    report = json.loads(run(*export, "--json").stdout)
    assert (report["rows"], report["before"]) == (0, 2 * len(down))

    write_listings(tmp_path, "catalog.csv", [row for row in [*shop, *again] if row["id"] not in down])
    next_night = json.loads(run(*dedupe).stdout)["duplicates"]
    assert set(next_night["groups"].values()) == {0}
    assert json.loads(run(*export, "--automatic", "--json").stdout)["rows"] == 0


def test_an_export_of_no_run_is_one_line(index: Path, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="an index alone has no groups"):
        run("export-actions", index, "--out", tmp_path / "actions.csv")
