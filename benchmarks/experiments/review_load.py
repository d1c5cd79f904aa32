"""How soon the review application answers with thousands of groups, and whether its memory stays flat.

    python -m itemsearch.benchmarks.experiments.review_load --out RUN [--groups 5000] [--decisions 2000]

RUN gets a store and an index of made listings (`benchmarks/data/made_listings.py`) and a folder as
`itemsearch duplicates` writes it, with so many groups; they are kept for the next run, the decisions are not.
Starts `itemsearch review` and does over HTTP what a browser does: opens every page, then decides on group
after group and follows each decision to the next page. Times are the client's, from the request to the last
byte, in milliseconds. Prints a JSON object.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from html import unescape
from itertools import cycle, islice
from pathlib import Path
from typing import Any

import httpx2 as httpx
import numpy as np
import psutil
import pyarrow as pa
import pyarrow.parquet as pq

from itemsearch.benchmarks.experiments.duplicates_scale import ScaleConfig, write_store
from itemsearch.decisions.log import FILE
from itemsearch.duplicates.groups.form import DEFAULT_GROUPS
from itemsearch.duplicates.pairs.decide import Thresholds
from itemsearch.duplicates.run_folder import FORMAT, GROUPS, PAIRS, RUN
from itemsearch.duplicates.types import GROUPS_SCHEMA, PAIRS_SCHEMA, Decision, Tier
from itemsearch.search.build import build_index_folder
from itemsearch.search.engine import Engine

SIZES = (2, 2, 2, 3, 4)
"""How many listings the groups have, in turns."""
PAGES = {
    "groups": "/",
    "sample": "/?sample=automatic",
    "preview of accepting": "/accept?tier=%3Dautomatic",
    "weakest pairs": "/pairs?kind=weakest",
    "decisions": "/decisions",
}
TIMES = 20
"""So often is each page opened."""
WARM = 200
"""After so many decisions the memory is read first: pools and caches are filled by then."""
EVIDENCE = {
    "score": 0.99,
    "joint": 0.9,
    "title_similarity": 0.8,
    "image_similarity": 0.9,
    "same_image": False,
    "image_hash_distance": 9,
    "words_a": ["Red"],
    "words_b": ["Green"],
    "conflicts": [],
    "decision": Decision.DUPLICATE.value,
    "reason": "probability 0.990, a duplicate from 0.900",
}
"""Of every pair: pages take equally long whatever it says."""


@dataclass(frozen=True, slots=True)
class ReviewLoad:
    """How many groups there are, and on how many of them people decide."""

    groups: int
    decisions: int


def run(load: ReviewLoad, out: Path) -> dict[str, Any]:
    """Makes what is missing in `out`, and returns the figures."""
    index, found = out / f"index-{load.groups}", out / f"found-{load.groups}"
    if not index.exists():
        rows = sum(islice(cycle(SIZES), load.groups))
        write_store(out / f"store-{load.groups}", ScaleConfig(rows, (), 0))
        build_index_folder(out / f"store-{load.groups}", index)
    write_run(found, index, load.groups)
    for path in index.glob(f"{FILE}*"):
        path.unlink()
    before = os.getloadavg()[0]
    with reviewing(found) as (client, process, seconds):
        pages = {name: measure(client, path) for name, path in PAGES.items()}
        decided = decide_on(client, process, load.decisions)
        after = {name: measure(client, path) for name, path in PAGES.items()}
    machine = {"cores": os.cpu_count(), "load_before": before, "load_after": os.getloadavg()[0]}
    figures = {"seconds_to_start": seconds, "pages": pages, **decided, "pages_after": after}
    return {"load": asdict(load), "machine": machine, **figures}


def write_run(folder: Path, index: Path, count: int) -> None:
    """Writes `count` groups of neighbouring listings, a third of them automatic; nothing is compared."""
    ids = iter(Engine.open(index).listings["id"].to_pylist())
    rng = np.random.default_rng(0)
    pairs, groups = [], []
    for number, size in enumerate(islice(cycle(SIZES), count)):
        own, probability = list(islice(ids, size)), float(rng.uniform(0.3, 1))
        tier = Tier.AUTOMATIC if number % 3 == 0 else Tier.REVIEW
        same = {"group_id": f"{number:05d}", "tier": tier.value, "probability": probability, "flag": None}
        groups += [{**same, "id": id, "keeper": id == own[0], "group_probability": probability} for id in own]
        pairs += [{**EVIDENCE, "id_a": own[0], "id_b": id, "probability": probability} for id in own[1:]]
    folder.mkdir(parents=True, exist_ok=True)
    pq.write_table(pa.Table.from_pylist(pairs, PAIRS_SCHEMA), folder / PAIRS)
    pq.write_table(pa.Table.from_pylist(groups, GROUPS_SCHEMA), folder / GROUPS)
    described = {"thresholds": asdict(Thresholds(0.9)), "groups": asdict(DEFAULT_GROUPS)}
    run = {"format": FORMAT, "index": os.path.relpath(index, folder), **described}
    (folder / RUN).write_text(json.dumps(run), "utf-8")


@contextmanager
def reviewing(folder: Path) -> Iterator[tuple[httpx.Client, psutil.Process, float]]:
    """Runs `itemsearch review`; yields a client of it, its process, and the seconds until it listened."""
    command = [sys.executable, "-m", "itemsearch", "review", str(folder), "--port", "0", "--user", "load"]
    start = time.perf_counter()
    process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
    assert process.stderr is not None
    try:
        line = process.stderr.readline()
        listens = time.perf_counter() - start
        found = re.search(r"http://[\w.]+:\d+", line)
        if found is None:
            raise SystemExit(f"the application did not start: {line}{process.stderr.read()}")
        with httpx.Client(base_url=found[0], headers={"Origin": found[0]}, timeout=60) as client:
            yield client, psutil.Process(process.pid), listens
    finally:
        process.terminate()
        process.communicate()


def decide_on(client: httpx.Client, process: psutil.Process, count: int) -> dict[str, Any]:
    """Decides on the first group of the page that the last decision led to, again and again: three times of
    four it is one product; every tenth decision is taken back."""
    posts, pages, memory = [], [], []
    page = client.get("/")
    for number in range(count):
        answer = {"action": "reject" if number % 4 == 3 else "confirm"}
        start = time.perf_counter()
        posted = client.post("/decide", data={**fields_of(page.text), **answer})
        posts.append(time.perf_counter() - start)
        if posted.status_code != 303:
            raise SystemExit(f"decision {number}: {posted.status_code} {posted.text[:500]}")
        where = posted.headers["location"]
        if number % 10 == 9:
            event = re.search(r"did=(\d+)", where)
            assert event is not None
            where = client.post("/undo", data={"event": event[1], "back": "/"}).headers["location"]
        start = time.perf_counter()
        page = client.get(where)
        pages.append(time.perf_counter() - start)
        if number + 1 in (min(WARM, count), count):
            memory.append(process.memory_info().rss / 1e6)
    return {"decision": milliseconds(posts), "page_after_it": milliseconds(pages), "megabytes": memory}


def fields_of(page: str) -> dict[str, list[str]]:
    """The hidden fields of the first form of a page that decides on a group."""
    form = re.search(r'<form[^>]*action="/decide".*?</form>', page, re.DOTALL)
    if form is None:
        raise SystemExit("no group is left: take fewer decisions, or more groups")
    fields: dict[str, list[str]] = {}
    for name, value in re.findall(r'type="hidden" name="(\w+)" value="([^"]*)"', form[0]):
        fields.setdefault(name, []).append(unescape(value))
    return fields


def measure(client: httpx.Client, path: str) -> dict[str, float]:
    """The milliseconds of opening a page `TIMES` times."""
    seconds = []
    for _ in range(TIMES):
        start = time.perf_counter()
        client.get(path).raise_for_status()
        seconds.append(time.perf_counter() - start)
    return milliseconds(seconds)


def milliseconds(seconds: Sequence[float]) -> dict[str, float]:
    """first, p50, p99 and last, in milliseconds; last: the mean of the last tenth."""
    last = seconds[-max(len(seconds) // 10, 1) :]
    figures = {"first": seconds[0], "last": float(np.mean(last))}
    figures.update(p50=float(np.quantile(seconds, 0.5)), p99=float(np.quantile(seconds, 0.99)))
    return {name: round(1000 * value, 1) for name, value in figures.items()}


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m itemsearch.benchmarks.experiments.review_load")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--groups", type=int, default=5000)
    parser.add_argument("--decisions", type=int, default=2000)
    arguments = parser.parse_args()
    load = ReviewLoad(arguments.groups, arguments.decisions)
    print(json.dumps(run(load, arguments.out), indent=1))


if __name__ == "__main__":
    main()
