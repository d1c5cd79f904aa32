from __future__ import annotations

import json
import re
from dataclasses import replace
from pathlib import Path

import pytest
from support.catalogs import write_catalog
from typer.testing import CliRunner

from itemsearch.cli.app import app, main
from itemsearch.errors import GateError, UsageError
from itemsearch.indexes.building.tune import tune
from itemsearch.indexes.searching.params import Tuning
from itemsearch.indexes.storage.versions import current_version
from itemsearch.indexes.types import Target
from itemsearch.search.engine import Engine
from itemsearch.search.versions import list_versions, roll_back_index, unpin_index
from itemsearch.store.reader import open_embedded


@pytest.fixture
def shop(tmp_path: Path, tiny_model: Path) -> Path:
    """A catalog of 40 rows and the configuration that rebuilds its index."""
    write_catalog(tmp_path / "shop", 40)
    config = tmp_path / "rebuild.toml"
    config.write_text(
        f'catalog = "shop/catalog.csv"\nstore = "store"\nindex = "index"\nmodel = "{tiny_model}"\n'
        'metrics = "itemsearch.prom"\n'
    )
    return config


def run(config: Path, *options: str) -> list[dict[str, object]]:
    """The lines of a run's stages, as --log-json prints them."""
    done = CliRunner().invoke(
        app, ["rebuild", "--config", str(config), "--log-json", *options], catch_exceptions=False
    )
    assert done.exit_code == 0, done.output
    return [json.loads(line) for line in done.stderr.splitlines()]


def refused(config: Path, code: int, words: str) -> dict[str, object]:
    """The line of the error of a run that fails, which is its only one."""
    done = CliRunner().invoke(app, ["rebuild", "--config", str(config), "--log-json"], catch_exceptions=False)
    assert done.exit_code == code, done.output
    lines = [json.loads(line) for line in done.stderr.splitlines()]
    (error,) = [line for line in lines if line["level"] == "error"]
    assert re.search(words, error["message"])
    assert len({line["run"] for line in lines}) == 1
    return dict(error)


def facts(stages: list[dict[str, object]], name: str) -> dict[str, float]:
    return next(stage["facts"] for stage in stages if name in (stage.get("stage"), stage.get("name")))  # type: ignore[return-value]


def lines_of(config: Path) -> tuple[Path, list[str]]:
    path = config.parent / "shop" / "catalog.csv"
    return path, path.read_text().splitlines()


def test_a_night_embeds_what_changed_and_publishes(shop: Path) -> None:
    stages = run(shop)
    assert [stage["stage"] for stage in stages] == ["check", "embed", "index"]
    embedded = facts(stages, "embed")
    assert (embedded["rows"], embedded["embedded"], embedded["reused"]) == (40, 40, 0)
    assert facts(stages, "index")["recall"] == 1.0

    path, lines = lines_of(shop)
    path.write_text("\n".join([*lines[:3], *lines[4:], "new,quite another thing,,mugs,1"]) + "\n")
    stages = run(shop)
    assert (facts(stages, "embed")["embedded"], facts(stages, "embed")["reused"]) == (1, 39)
    engine = Engine.open(shop.parent / "index")
    assert (engine.summary.version, engine.summary.rows) == (2, 40)
    assert engine.row_of("new") == 39
    records = [json.loads(line) for line in (shop.parent / "rebuild.jsonl").read_text().splitlines()]
    assert [record["failed"] for record in records] == ["", ""]
    metrics = (shop.parent / "itemsearch.prom").read_text()
    assert "itemsearch_rebuild_success 1" in metrics
    assert "itemsearch_rebuild_index_version 2" in metrics


def test_a_night_in_which_nothing_changed_publishes_nothing(shop: Path) -> None:
    run(shop)
    stages = run(shop)
    embedded = facts(stages, "embed")
    assert (embedded["embedded"], embedded["reused"], embedded["rejected"]) == (0, 40, 0)
    assert facts(stages, "index") == {"version": 1, "rows": 40, "unchanged": True}
    assert [listed.version for listed in list_versions(shop.parent / "index")] == [1]
    told = CliRunner().invoke(app, ["rebuild", "--config", str(shop)], catch_exceptions=False)
    assert told.stdout.startswith("unchanged: version 1 of 40 listings stays current")

    config = shop.read_text()
    shop.write_text(config + "[build]\ntarget_recall = 0.9\n")  # another target is measured
    assert facts(run(shop), "index")["version"] == 2
    path, lines = lines_of(shop)
    path.write_text("\n".join([*lines[:-1], lines[-1].rpartition(",")[0] + ",77"]) + "\n")
    stages = run(shop)  # a price
    assert (facts(stages, "embed")["embedded"], facts(stages, "index")["version"]) == (0, 3)


def test_a_version_that_was_rolled_back_to_stays_current_until_it_is_unpinned(shop: Path) -> None:
    index = shop.parent / "index"

    def change(night: int) -> None:
        path, lines = lines_of(shop)
        path.write_text("\n".join([*lines, f"new{night},another thing {night},,mugs,1"]) + "\n")

    for night in range(2):
        change(night)
        run(shop)
    roll_back_index(index)
    for night in (2, 3):
        change(night)
        stages = run(shop)
        assert (facts(stages, "index")["version"], facts(stages, "index")["current"]) == (night + 1, 1)
        assert stages[-1]["version"] == 1
    assert Engine.open(index).summary.version == 1
    change(4)
    told = CliRunner().invoke(app, ["rebuild", "--config", str(shop)], catch_exceptions=False)
    assert "version 5 of 45 listings is built in" in told.stdout
    assert "version 1 stays current, pinned: itemsearch index unpin" in told.stdout
    assert [listed.version for listed in list_versions(index)] == [1, 4, 5]
    assert [listed.pinned for listed in list_versions(index)] == [True, False, False]
    assert unpin_index(index).version == 5
    change(5)
    run(shop)
    assert Engine.open(index).summary.version == 6


def test_a_dry_run_counts_and_writes_nothing(shop: Path) -> None:
    def dry() -> dict[str, object]:
        done = CliRunner().invoke(app, ["rebuild", "--config", str(shop), "--dry-run", "--json"])
        assert done.exit_code == 0, done.output
        return dict(json.loads(done.stdout))

    assert dry() == {"rows": 40, "embed": 40, "reuse": 0, "rejected": 0, "served": None}
    assert sorted(path.name for path in shop.parent.iterdir()) == ["rebuild.toml", "shop"]
    run(shop)
    path, lines = lines_of(shop)
    path.write_text("\n".join([*lines[:-1], lines[-1].replace(",", ",other ", 1)]) + "\n")
    planned = dry()
    assert (planned["embed"], planned["reuse"]) == (1, 39)
    full = {"repeated": 0.0, "repeated_content": 0.0, "without_title": 0.0, "without_image": 0.0}
    assert planned["served"] == {"version": 1, "figures": {"rows": 40, **full}, "whole": True}


def test_a_catalog_that_fell_apart_is_not_published(shop: Path) -> None:
    run(shop)
    path, lines = lines_of(shop)
    path.write_text("\n".join(lines[:21]) + "\n")
    refused(shop, 4, r"20 rows instead of the 40 of version 1: 50\.0% gone")
    assert Engine.open(shop.parent / "index").summary.rows == 40
    assert "itemsearch_rebuild_success 0" in (shop.parent / "itemsearch.prom").read_text()
    shop.write_text(shop.read_text() + "[guards]\nmax_fallen = 0.5\n")
    run(shop)
    assert Engine.open(shop.parent / "index").summary.rows == 20


def without_cell(lines: list[str], column: int, rows: int) -> str:
    """The catalog with the cells of a column emptied in its first rows."""
    emptied = []
    for line in lines[1 : rows + 1]:
        cells = line.split(",")
        cells[column] = ""
        emptied.append(",".join(cells))
    return "\n".join([lines[0], *emptied, *lines[rows + 1 :]]) + "\n"


@pytest.mark.parametrize(("column", "words"), [(1, "have no title"), (2, "have no picture")])
def test_a_feed_that_lost_its_titles_or_pictures_is_refused_before_anything_is_embedded(
    shop: Path, monkeypatch: pytest.MonkeyPatch, column: int, words: str
) -> None:
    run(shop)
    path, lines = lines_of(shop)
    path.write_text(without_cell(lines, column, 10))
    with monkeypatch.context() as patch:
        patch.setattr("itemsearch.embed.catalog._embed", lambda *_: pytest.fail("something was embedded"))
        refused(shop, 4, rf"25\.0% of the rows {words}, 0\.0% did in version 1: more than")
        path.write_text("\n".join(lines[:21]) + "\n")
        refused(shop, 4, r"20 rows instead of the 40")
        path.write_text(
            "\n".join([*lines, *(f"{n},{lines[1].split(',', 1)[1]}" for n in range(90, 99))]) + "\n"
        )
        refused(shop, 4, "repeat the title and the pictures of another")
        path.write_text("\n".join([*lines, *(f"bad{n},,,mugs,1" for n in range(10))]) + "\n")
        refused(shop, 3, r"10 of 50 rows .* guards\.max_bad_rate")
    assert (shop.parent / "store" / "rejects.csv").read_text().count("no title and no image") == 10
    path.write_text(without_cell(lines, column, 4))
    run(shop)
    assert Engine.open(shop.parent / "index").summary.version == 2


def refuse(*_: object) -> None:
    raise GateError("refused")


def test_a_refused_night_leaves_the_store_as_it_was(shop: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def shards() -> set[str]:
        return {path.name for path in (store / "data").iterdir()}

    run(shop)
    store = shop.parent / "store"
    before, first = (store / "manifest.json").read_bytes(), shards()
    path, lines = lines_of(shop)
    changed = lines[1].replace(",", ",another title of ", 1)
    path.write_text("\n".join([lines[0], changed, *lines[2:]]) + "\n")
    for _ in range(3):
        with monkeypatch.context() as patch:
            patch.setattr("itemsearch.nightly.rebuild.check_version", refuse)
            refused(shop, 4, "refused")
        assert (store / "manifest.json").read_bytes() == before
        assert open_embedded(store).rows == 40
        assert first < shards()
        assert len(shards()) == 2  # refused nights do not pile up
    embedded = facts(run(shop), "embed")
    assert (embedded["embedded"], embedded["reused"]) == (0, 40)
    assert len(shards()) == 1


def test_why_rows_are_rejected_is_told(shop: Path) -> None:
    path, lines = lines_of(shop)
    path.write_text("\n".join([*lines, "e1,,,mugs,1", "e2,,,mugs,1", ",no id,,mugs,1"]) + "\n")
    shop.write_text(shop.read_text() + "[guards]\nmax_bad_rate = 0.5\n")
    done = CliRunner().invoke(app, ["rebuild", "--config", str(shop)], catch_exceptions=False)
    assert "2 no_title_and_no_image, such as row 41, id 'e1': catalog.csv line 42: no title" in done.stderr
    record = json.loads((shop.parent / "rebuild.jsonl").read_text())
    told = record["stages"][1]["facts"]
    assert (told["rejected_missing_id"], told["rejected_no_title_and_no_image"]) == (1, 2)
    assert [each["rows"] for each in told["reasons"]] == [2, 1]


def test_a_catalog_that_repeats_itself_is_not_published(shop: Path) -> None:
    run(shop)
    path, lines = lines_of(shop)
    for line in range(20, 41):
        number = lines[line].partition(",")[0]
        lines[line] = f"{number},the same,images/0.png,mugs,1"
    path.write_text("\n".join(lines) + "\n")
    refused(shop, 4, r"50\.0% of the rows repeat the title and the pictures")
    assert current_version(shop.parent / "index").number == 1


def test_a_bad_picture_is_told_every_night_and_rejected_where_pictures_are_required(shop: Path) -> None:
    path, lines = lines_of(shop)
    path.write_text("\n".join([*lines, "bad,a title of its own,images/gone.png,mugs,1"]) + "\n")
    for embedded in (41, 0):
        done = CliRunner().invoke(app, ["rebuild", "--config", str(shop)], catch_exceptions=False)
        assert done.exit_code == 0
        record = json.loads((shop.parent / "rebuild.jsonl").read_text().splitlines()[-1])
        of_embed = facts(record["stages"], "embed")
        assert (of_embed["embedded"], of_embed["rejected"], of_embed["image_problems"]) == (embedded, 0, 1)
        assert "1 listing has a picture that cannot be used; it goes on by the title" in done.stderr
        assert "  1 image_not_found\n    row 41, id 'bad': catalog.csv line 42: image" in done.stderr
    assert "itemsearch_rebuild_embed_image_problems 1" in (shop.parent / "itemsearch.prom").read_text()
    dry = CliRunner().invoke(app, ["rebuild", "--config", str(shop), "--dry-run", "--json"])
    planned = json.loads(dry.stdout)
    assert (planned["embed"], planned["reuse"], planned["rejected"]) == (0, 41, 0)
    shop.write_text("require_image = true\n" + shop.read_text())
    assert facts(run(shop), "embed")["rejected"] == 1


def test_too_many_bad_rows_stop_the_night_before_the_index(shop: Path) -> None:
    run(shop)
    path, lines = lines_of(shop)
    path.write_text("\n".join([*lines, *(f"bad{n},,," for n in range(10))]) + "\n")
    error = refused(shop, 3, "10 of 50 rows rejected")
    assert (error["stage"], error["version"]) == ("embed", 1)
    assert "10 malformed, such as row 41" in str(error["facts"])
    assert current_version(shop.parent / "index").number == 1
    assert open_embedded(shop.parent / "store").rows == 40


def test_an_index_that_misses_its_recall_is_not_published(
    shop: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    run(shop)
    path, lines = lines_of(shop)
    path.write_text("\n".join(lines[:-1]) + "\n")

    def find_little(folder: Path, target: Target) -> Tuning:
        tuning = tune(folder, target)
        return replace(tuning, chosen=replace(tuning.chosen, recall=0.5))

    monkeypatch.setattr("itemsearch.indexes.building.target.tune", find_little)
    monkeypatch.setattr("sys.argv", ["itemsearch", "rebuild", "--config", str(shop)])
    with pytest.raises(SystemExit) as leaving:
        main()
    assert leaving.value.code == 4
    assert "recall@10 of 0.95 was not reached: best found 0.5000" in capsys.readouterr().err
    assert current_version(shop.parent / "index").number == 1
    record = json.loads((shop.parent / "rebuild.jsonl").read_text().splitlines()[-1])
    assert "was not reached" in record["failed"]
    assert "itemsearch_rebuild_success 0" in (shop.parent / "itemsearch.prom").read_text()


def test_a_damaged_index_is_built_again(shop: Path) -> None:
    run(shop)
    vectors = current_version(shop.parent / "index").folder / "vectors.npy"
    vectors.write_bytes(vectors.read_bytes()[:-4])
    stages = run(shop)
    assert "vectors.npy" in str(facts(stages, "check")["damaged"])
    assert Engine.open(shop.parent / "index").summary.rows == 40


def test_a_night_ends_with_the_duplicates(shop: Path) -> None:
    shop.write_text(shop.read_text() + 'duplicates = "duplicates"\n')
    stages = run(shop)
    assert [stage["stage"] for stage in stages] == ["check", "embed", "index", "duplicates"]
    counts = facts(stages, "duplicates")
    assert counts["compared"] > 0
    assert {"listings", "duplicate_pairs", "automatic_groups", "new_changes"} <= counts.keys()
    assert (shop.parent / "duplicates" / "report.html").is_file()
    assert "itemsearch_rebuild_duplicates_compared" in (shop.parent / "itemsearch.prom").read_text()


def test_a_failure_of_the_duplicates_fails_the_night_and_leaves_the_new_version(shop: Path) -> None:
    shop.write_text(shop.read_text() + 'duplicates = "duplicates"\n')
    (shop.parent / "duplicates").mkdir()
    (shop.parent / "duplicates" / "groups.parquet").write_text("damaged")
    with pytest.raises(UsageError, match=r"version 1 is current, but not its duplicates: .*groups\.parquet"):
        CliRunner().invoke(app, ["rebuild", "--config", str(shop)], catch_exceptions=False)
    assert Engine.open(shop.parent / "index").summary.version == 1
    record = json.loads((shop.parent / "rebuild.jsonl").read_text())
    assert record["failed"].startswith("version 1 is current")
    assert [bool(stage["failed"]) for stage in record["stages"]] == [False, False, False, True]


def test_an_error_before_the_first_stage_is_a_line_too(tmp_path: Path) -> None:
    error = refused(tmp_path / "gone.toml", 2, r"gone\.toml")
    assert "stage" not in error
