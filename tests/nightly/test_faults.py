"""The nightly job killed, out of room, beside damaged files: what is served stays, the next run recovers."""

from __future__ import annotations

import json
import random
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from support.catalogs import draw_picture, write_catalog

from itemsearch import Engine
from itemsearch.indexes.storage.versions import CURRENT, current_version, read_pointer
from itemsearch.search.versions import list_versions, verify_index
from itemsearch.store.reader import open_embedded

ROWS = 44
SHARD_ROWS = 8
STORE = {"data", "manifest.json", "rejects.csv", "rejects.parquet"}
INDEX = {"CURRENT", "versions", "write.lock"}

Answers = dict[str, list[str]]


@dataclass(frozen=True)
class Ran:
    """code: exit code, or minus the signal. steps: names of those begun. output: on both streams."""

    code: int
    steps: list[str]
    seconds: float
    output: str


class Rebuilder:
    """The process of rebuilder.py."""

    def __init__(self) -> None:
        script = Path(__file__).with_name("rebuilder.py")
        self.process = subprocess.Popen(
            [sys.executable, str(script)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )

    def run(self, shop: Path, step: int = 0, seconds: float | None = None, limit: int = 0) -> Ran:
        """Rebuilds `shop`, killed at a step or after some seconds, or with files of `limit` bytes at most."""
        job = {"config": str(shop / "rebuild.toml"), "step": step, "seconds": seconds, "limit": limit}
        assert self.process.stdin
        assert self.process.stdout
        print(json.dumps(job), file=self.process.stdin, flush=True)
        return Ran(**json.loads(self.process.stdout.readline()))


@pytest.fixture(scope="module")
def rebuilder() -> Iterator[Rebuilder]:
    child = Rebuilder()
    yield child
    child.process.communicate()
    assert child.process.returncode == 0


@dataclass(frozen=True)
class Nights:
    """Shops: before the first night, before the second one, and after it, never killed.

    answers: of each night's version. steps: of each night's run. seconds: of the second one's.
    """

    shops: tuple[Path, Path, Path]
    answers: tuple[Answers, Answers]
    steps: tuple[list[str], list[str]]
    seconds: float


@pytest.fixture(scope="module")
def nights(tmp_path_factory: pytest.TempPathFactory, tiny_model: Path, rebuilder: Rebuilder) -> Nights:
    root = tmp_path_factory.mktemp("nights")
    first, second, third = (root / name for name in ("first", "second", "third"))
    write_catalog(first / "shop", ROWS)
    (first / "rebuild.toml").write_text(
        f'catalog = "shop/catalog.csv"\nstore = "store"\nindex = "index"\nmodel = "{tiny_model}"\n'
    )
    shutil.copytree(first, second)
    before = succeed(rebuilder, second)
    first_answers = answers(second)
    change(second / "shop")
    shutil.copytree(second, third)
    after = succeed(rebuilder, third)
    return Nights(
        (first, second, third), (first_answers, answers(third)), (before.steps, after.steps), after.seconds
    )


def change(shop: Path) -> None:
    """Two pictures and ten titles change, a row goes, two are new."""
    for number in (3, 30):
        draw_picture(700 + number).save(shop / "images" / f"{number}.png")
    heading, *rows = (shop / "catalog.csv").read_text().splitlines()
    rows[10:20] = [row.replace(" model", " kind") for row in rows[10:20]]
    rows = [*rows[:5], *rows[6:], "new1,quite another thing,,mugs,1", "new2,and one more,images/7.png,mugs,2"]
    (shop / "catalog.csv").write_text("\n".join([heading, *rows]) + "\n")


def succeed(rebuilder: Rebuilder, shop: Path) -> Ran:
    ran = rebuilder.run(shop)
    assert ran.code == 0, ran.output
    return ran


def answers(shop: Path) -> Answers:
    """Of the version that is served, to every product of it."""
    engine = Engine.open(shop / "index")
    ids = engine.listings["id"].to_pylist()
    return {id: [hit.id for hit in engine.search(id=id, k=5).hits] for id in ids}


def stored(shop: Path) -> tuple[list[str], np.ndarray]:
    batches = list(open_embedded(shop / "store").batches())
    ids = [id for batch in batches for id in batch["id"].to_pylist()]
    return ids, np.stack([vector for batch in batches for vector in batch["embedding"].to_pylist()])


def assert_served(shop: Path, allowed: tuple[Answers, ...]) -> None:
    """The version that is served is whole by its hashes, and answers as one of `allowed`."""
    verify_index(shop / "index")
    assert answers(shop) in allowed


def assert_recovers(rebuilder: Rebuilder, shop: Path, nights: Nights) -> dict[str, Any]:
    """The next run ends as one that was never killed, and leaves nothing behind; returns what it embedded."""
    succeed(rebuilder, shop)
    assert_served(shop, nights.answers[1:])
    ids, vectors = stored(shop)
    expected_ids, expected = stored(nights.shops[2])
    assert ids == expected_ids
    np.testing.assert_allclose(vectors, expected, atol=1e-5)
    assert {path.name for path in (shop / "store").iterdir()} == STORE
    assert {path.name for path in (shop / "index").iterdir()} == INDEX
    on_disk = sorted(int(path.name) for path in (shop / "index" / "versions").iterdir())
    assert on_disk == read_pointer(shop / "index").numbers
    record = json.loads((shop / "rebuild.jsonl").read_text().splitlines()[-1])
    return {stage["name"]: stage["facts"] for stage in record["stages"]}


def boundaries(steps: list[str]) -> list[int]:
    """The steps, from 1, at which a stage begins or ends, and the last two renames, which publish."""
    named = [number for number, name in enumerate(steps, 1) if " " in name]
    return named + [number for number, name in enumerate(steps, 1) if name == "rename"][-2:]


def kill_first_night(rebuilder: Rebuilder, nights: Nights, shop: Path, step: int) -> None:
    shutil.copytree(nights.shops[0], shop)
    ran = rebuilder.run(shop, step=step)
    assert ran.code == -signal.SIGKILL, ran.output
    if (shop / "index" / CURRENT).exists():
        assert_served(shop, nights.answers[:1])
    finished = len(list((shop / "store").glob("**/part-*.parquet")))
    change(shop / "shop")
    embed = assert_recovers(rebuilder, shop, nights)["embed"]
    # 14 rows are new or changed; of what the first run had read, only what no shard held yet is lost.
    assert embed["embedded"] <= 14 + max(0, ROWS - finished * SHARD_ROWS)


def kill_second_night(rebuilder: Rebuilder, nights: Nights, shop: Path, **kill: Any) -> int:
    """Returns how many of two runs died; the second is among what the first one left."""
    shutil.copytree(nights.shops[1], shop)
    died = 0
    for _ in range(2):
        died += rebuilder.run(shop, **kill).code == -signal.SIGKILL
        assert_served(shop, nights.answers)
        assert not [version for version in list_versions(shop / "index") if version.damage]
    assert_recovers(rebuilder, shop, nights)
    shutil.rmtree(shop)
    return died


def test_killed_where_stages_meet(rebuilder: Rebuilder, nights: Nights, tmp_path: Path) -> None:
    first, second = nights.steps
    assert [name for name in first if " " in name] == [
        f"{stage} {edge}" for stage in ("check", "embed", "index") for edge in ("begins", "ends")
    ]
    for step in boundaries(first)[1:4]:
        kill_first_night(rebuilder, nights, tmp_path / f"first{step}", step)
    died = [kill_second_night(rebuilder, nights, tmp_path / "shop", step=step) for step in boundaries(second)]
    assert 3 + sum(died) >= 16


@pytest.mark.parametrize("kills", [4, pytest.param(100, marks=pytest.mark.slow)])
def test_killed_at_random(rebuilder: Rebuilder, nights: Nights, tmp_path: Path, kills: int) -> None:
    rng = random.Random(kills)
    died = 0
    while died < kills:
        after = rng.uniform(0, nights.seconds)
        died += kill_second_night(rebuilder, nights, tmp_path / "shop", seconds=after)


@pytest.mark.slow
def test_killed_at_every_step(rebuilder: Rebuilder, nights: Nights, tmp_path: Path) -> None:
    first, second = nights.steps
    for step in range(1, len(first) + 1):
        kill_first_night(rebuilder, nights, tmp_path / f"first{step}", step)
    steps = range(1, len(second) + 1)
    died = [kill_second_night(rebuilder, nights, tmp_path / "shop", step=step) for step in steps]
    assert len(first) + sum(died) >= 100


@pytest.mark.parametrize("limit", [100, 2000, 5000, 20_000, 200_000])
def test_a_full_disk_is_one_line(rebuilder: Rebuilder, nights: Nights, tmp_path: Path, limit: int) -> None:
    shop = shutil.copytree(nights.shops[1], tmp_path / "shop")
    ran = rebuilder.run(shop, limit=limit)
    assert ran.code == 1, ran.output
    assert "Traceback" not in ran.output
    errors = [line for line in ran.output.splitlines() if line.startswith("itemsearch: error: ")]
    assert len(errors) == 1, ran.output
    assert "File too large" in errors[0]
    assert str(shop) in errors[0]
    assert_served(shop, nights.answers[:1])
    assert_recovers(rebuilder, shop, nights)


def served_files(shop: Path) -> list[Path]:
    index = shop / "index"
    return [index / CURRENT, *sorted(current_version(index).folder.iterdir())]


def shards(shop: Path) -> list[Path]:
    return sorted((shop / "store" / "data").iterdir())


@pytest.mark.parametrize("find", [served_files, shards])
def test_a_flipped_byte_is_named_and_mended(
    rebuilder: Rebuilder, nights: Nights, tmp_path: Path, find: Callable[[Path], list[Path]]
) -> None:
    for number, file in enumerate(find(nights.shops[1])):
        shop = shutil.copytree(nights.shops[1], tmp_path / str(number))
        path = shop / file.relative_to(nights.shops[1])
        whole = path.read_bytes()
        place = len(whole) // 2
        path.write_bytes(whole[:place] + bytes([whole[place] ^ 1]) + whole[place + 1 :])
        facts = assert_recovers(rebuilder, shop, nights)
        assert str(path) in json.dumps(facts), path
