"""The commands `match` and `dedupe`, on catalogs with pictures and a tiny model."""

from __future__ import annotations

import json
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from support.feeds import product, product_title, write_listings
from typer.testing import CliRunner, Result

from itemsearch.cli.app import app
from itemsearch.errors import TooManyBadRowsError
from itemsearch.search.folder import read_summary

CATALOG = [product(number, f"shop-{number}") for number in range(60)]
AGAIN = [product(number, f"twice-{number}", f"{product_title(number)} new") for number in range(20)]


def run(*arguments: object) -> Result:
    return CliRunner().invoke(app, [str(each) for each in arguments], catch_exceptions=False)


@pytest.fixture(scope="module")
def deduped(tmp_path_factory: pytest.TempPathFactory, tiny_model: Path) -> tuple[Path, Result]:
    """A folder of `dedupe`, and what the command printed."""
    folder = tmp_path_factory.mktemp("shop")
    catalog = write_listings(folder, "catalog.csv", [*CATALOG, *AGAIN, {"id": "empty"}])
    return folder, run("dedupe", catalog, "--out", folder / "out", "--model", tiny_model, "--device", "cpu")


def test_one_command_goes_from_a_catalog_to_the_report(deduped: tuple[Path, Result]) -> None:
    folder, first = deduped
    assert first.exit_code == 0, first.output
    assert "81 = 80 embedded + 0 reused + 1 rejected (1 no_title_and_no_image)" in first.stdout
    assert "version 1, new" in first.stdout
    report = folder / "out" / "duplicates" / "report.html"
    assert str(report) in first.stdout
    assert "<html" in report.read_text()
    pairs = pq.read_table(folder / "out" / "duplicates" / "pairs.parquet").to_pylist()
    found = {(pair["id_a"], pair["id_b"]) for pair in pairs}
    assert len(found & {(f"shop-{number}", f"twice-{number}") for number in range(20)}) >= 15


def test_a_second_run_reuses_what_there_is(deduped: tuple[Path, Result], tiny_model: Path) -> None:
    folder, _ = deduped
    catalog, out = folder / "catalog.csv", folder / "out"
    arguments = ("dedupe", catalog, "--out", out, "--model", tiny_model, "--device", "cpu", "--json")
    again = json.loads(run(*arguments).stdout)
    assert (again["embedded"]["embedded"], again["embedded"]["reused"]) == (0, 80)
    assert (again["version"], again["renewed"]) == (1, False)
    assert set(again["duplicates"]["changes"].values()) == {0}
    # Another brand is no other embedding, but another listing.
    rows = [*CATALOG[:-1], {**CATALOG[-1], "brand": "Acme"}, *AGAIN, {"id": "empty"}]
    write_listings(folder, "catalog.csv", rows)
    changed = json.loads(run(*arguments).stdout)
    assert (changed["embedded"]["embedded"], changed["version"], changed["renewed"]) == (0, 2, True)
    (out / "index" / "CURRENT").write_text("damaged")
    mended = json.loads(run(*arguments).stdout)
    assert mended["renewed"]
    assert read_summary(out / "index").rows == 80


def test_every_command_tells_which_pictures_it_could_not_use(
    deduped: tuple[Path, Result], tmp_path: Path, tiny_model: Path
) -> None:
    (tmp_path / "404.jpg").write_text("<html>404")
    shop = tmp_path / "shop.csv"
    shop.write_text(
        "id,title,image\n1,Leather handbag small pink,404.jpg\n2,Leather handbag blush,gone.jpg\n"
        "3,Leather handbag,https://cdn.example/x.jpg\n4,Leather handbag red,404.jpg\n"
    )
    told = (
        "4 listings have a picture that cannot be used; they go on by the title or another picture "
        "(--require-image: rejected)\n  2 image_unreadable\n"
        "    row 1, id '1': shop.csv line 2: image '404.jpg': "
    )
    of_model = ("--model", tiny_model, "--device", "cpu")
    assert told in run("check", shop).stdout
    assert told in run("embed", shop, "--out", tmp_path / "store", *of_model).stderr
    assert told in run("dedupe", shop, "--out", tmp_path / "deduped", *of_model).stderr
    index = deduped[0] / "out" / "index"
    matched = run("match", index, shop, "--out", tmp_path / "m.parquet", "--device", "cpu", "--json")
    assert told in matched.stderr
    counts = json.loads(matched.stdout)["image_problems"]
    assert {reason: problem["listings"] for reason, problem in counts.items()} == {
        "image_unreadable": 2,
        "image_not_found": 1,
        "image_is_an_address": 1,
    }
    for command in ("check", "embed", "dedupe", "match"):
        arguments = {
            "check": (shop,),
            "embed": (shop, "--out", tmp_path / "strict", *of_model),
            "dedupe": (shop, "--out", tmp_path / "strict-too", *of_model),
            "match": (index, shop, "--out", tmp_path / "strict.parquet", "--device", "cpu"),
        }[command]
        with pytest.raises(TooManyBadRowsError, match="4 of 4 rows"):
            run(command, *arguments, "--require-image")


def test_a_feed_is_answered_row_by_row(deduped: tuple[Path, Result], tmp_path: Path) -> None:
    index, out = deduped[0] / "out" / "index", tmp_path / "matches.parquet"
    rows = [product(number, f"feed-{number}", f"{product_title(number)} offer") for number in range(25, 55)]
    new = [product(number, f"feed-{number}") for number in range(300, 330)]
    feed = write_listings(tmp_path, "feed.csv", [*rows, *new, {"id": "empty"}])
    done = run("match", index, feed, "--out", out, "--device", "cpu")
    assert done.exit_code == 0, done.output
    assert "61 = 60 answered + 1 rejected" in done.stdout
    assert "the first 60 listings of the feed" in done.stdout
    assert "row rejected: row 61, id 'empty': no_title_and_no_image" in done.stderr
    assert "1 no_title_and_no_image, such as row 61, id 'empty'" in done.stderr
    printed = json.loads(
        run("match", index, feed, "--out", out, "--device", "cpu", "-k", "2", "--json").stdout
    )
    assert printed["rows"] == printed["answered"] + printed["rejected"] == 61
    assert [each["rows"] for each in printed["frequent_reasons"]] == [1]
    matches = pq.read_table(out).to_pylist()
    assert {len(match["candidates"]) for match in matches} == {2}
    by_run = run(
        "match", index, feed, "--out", out, "--device", "cpu", "--duplicates", index.parent / "duplicates"
    )
    assert by_run.exit_code == 0, by_run.output
    assert str(index.parent / "duplicates") in by_run.stdout
    with pytest.raises(TooManyBadRowsError, match="1 of 61 rows rejected"):
        run("match", index, feed, "--out", out, "--device", "cpu", "--max-bad-rate", "0.01")
