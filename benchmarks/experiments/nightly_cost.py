"""What a night costs in which little changed, beside the night that embedded everything.

    python -m itemsearch.benchmarks.experiments.nightly_cost CATALOG --out RUN [--changed 0.01]

`itemsearch rebuild` runs on a copy of the catalog, from nothing. Then, with 0.01, every hundredth row or so
changes: half of those get another title, a quarter another picture, an eighth are dropped and an eighth are
listed again under another title. The same command runs again. RUN gets report.md and metrics.json. Seconds
are of the whole command, its start included; CPU seconds are of all its threads, and say what the clock does
not where other programs run.
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from PIL import ImageOps

from itemsearch.benchmarks.data.relist import encoded
from itemsearch.catalog import CatalogConfig, open_catalog
from itemsearch.catalog.images import decode_image
from itemsearch.catalog.rows import read_rows
from itemsearch.catalog.validate import Cells
from itemsearch.errors import ItemSearchError

CONFIG = 'catalog = "catalog.parquet"\nstore = "store"\nindex = "index"\nmodel = "{}"\n'
SCHEMA = pa.schema({"id": pa.string(), "title": pa.string(), "image": pa.binary(), "category": pa.string()})
KINDS = ("title", "title", "title", "title", "picture", "picture", "dropped", "added")


@dataclass(frozen=True, slots=True)
class Row:
    """image: as it is encoded; None without one."""

    id: str
    title: str
    image: bytes | None
    category: str


@dataclass(frozen=True, slots=True)
class Night:
    """A run of `itemsearch rebuild`: seconds of the whole command, and its stages as its record has them."""

    seconds: float
    cpu_seconds: float
    stages: list[dict[str, Any]]


def run(catalog: str, out: Path, changed: float, seed: int, model: str) -> dict[str, Any]:
    """Returns what RUN/metrics.json holds.

    Raises:
        CatalogError: the catalog cannot be read.
        subprocess.CalledProcessError: a rebuild failed; it has said why.
    """
    out.mkdir(parents=True)
    (out / "rebuild.toml").write_text(CONFIG.format(model), "utf-8")
    nights, counts = {}, {}
    for name, share in (("full", 0.0), ("again", changed)):
        counts[name] = write_catalog(catalog, out / "catalog.parquet", share, seed)
        _note(f"{name}: {dict(counts[name])}")
        nights[name] = rebuild(out)
    full, again = nights["full"], nights["again"]
    metrics = {
        "rows": counts["full"]["rows"],
        "changed": {kind: counts["again"][kind] for kind in dict.fromkeys(KINDS)},
        "nights": {name: asdict(night) for name, night in nights.items()},
        "share of seconds": again.seconds / full.seconds,
        "share of CPU seconds": again.cpu_seconds / full.cpu_seconds,
    }
    (out / "metrics.json").write_text(json.dumps(metrics, indent=1), "utf-8")
    (out / "report.md").write_text(_report(metrics), "utf-8")
    return metrics


def write_catalog(catalog: str, path: Path, changed: float, seed: int) -> Counter[str]:
    """Writes the usable rows of a catalog as Parquet, a share of them changed; equal seeds, equal changes.

    Returns:
        the rows written, and of each kind of change how many there are.
    """
    counts: Counter[str] = Counter()
    with pq.ParquetWriter(path, SCHEMA, compression="none") as writer:
        for batch in read_rows(open_catalog(CatalogConfig(catalog)), _row):
            rows = [new for row in batch.items for new in _changed(row, changed, seed, counts)]
            writer.write_table(pa.Table.from_pylist([asdict(row) for row in rows], SCHEMA))
            counts["rows"] += len(rows)
            counts["read"] += len(batch.items)
    return counts


def rebuild(folder: Path) -> Night:
    started, used = time.perf_counter(), _children_seconds()
    subprocess.run(
        [sys.executable, "-m", "cli.app", "rebuild", "--config", str(folder / "rebuild.toml")], check=True
    )
    seconds, cpu_seconds = time.perf_counter() - started, _children_seconds() - used
    record = json.loads((folder / "rebuild.jsonl").read_text("utf-8").splitlines()[-1])
    return Night(seconds, cpu_seconds, record["stages"])


def _row(cells: Cells, data: bytes | None) -> Row:
    return Row(cells.id, cells.title, data, cells.category)


def _changed(row: Row, share: float, seed: int, counts: Counter[str]) -> Iterator[Row]:
    """The row as it is, changed, not at all, or listed twice."""
    rng = np.random.default_rng([seed, counts["read"], *row.id.encode()])
    kind = str(rng.choice(KINDS)) if rng.random() < share else "same"
    counts[kind] += 1
    match kind:
        case "title":
            yield Row(row.id, f"{row.title}, new", row.image, row.category)
        case "picture" if row.image is not None:
            yield Row(row.id, row.title, encoded(ImageOps.mirror(decode_image(row.image))), row.category)
        case "dropped":
            return
        case "added":
            yield row
            yield Row(f"{row.id}-again", f"{row.title}, again", row.image, row.category)
        case _:
            yield row


def _children_seconds() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def _report(metrics: dict[str, Any]) -> str:
    full, again = metrics["nights"]["full"], metrics["nights"]["again"]
    told = ", ".join(f"{count:,} {kind}" for kind, count in metrics["changed"].items())
    lines = [
        f"{metrics['rows']:,} products; then changed: {told}.",
        "",
        "| | everything | little changed | share |",
        "|---|---|---|---|",
    ]
    both = [("seconds", full["seconds"], again["seconds"])]
    both.append(("CPU seconds", full["cpu_seconds"], again["cpu_seconds"]))
    for before, after in zip(full["stages"], again["stages"], strict=True):
        both.append((f"of the clock: {before['name']}", before["seconds"], after["seconds"]))
    lines += [f"| {name} | {one:.1f} | {two:.1f} | {_share(one, two)} |" for name, one, two in both]
    facts = {stage["name"]: stage["facts"] for stage in again["stages"]}
    embed, index = facts["embed"], facts["index"]
    lines += [
        "",
        f"{embed['embedded']:,} embedded, {embed['reused']:,} reused. Training {index['training']}.",
    ]
    return "\n".join(lines) + "\n"


def _share(one: float, two: float) -> str:
    """Of what takes no time nothing is a share."""
    return f"{two / one:.1%}" if one >= 1 else ""


def _note(message: str) -> None:
    print(message, file=sys.stderr)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m itemsearch.benchmarks.experiments.nightly_cost")
    parser.add_argument("catalog")
    parser.add_argument("--out", type=Path, required=True, help="a folder that is not there yet")
    parser.add_argument("--changed", type=float, default=0.01)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--model", default="default")
    told = parser.parse_args()
    if told.out.exists():
        parser.error(f"{told.out} is there already; give another --out")
    try:
        run(told.catalog, told.out, told.changed, told.seed, told.model)
    except ItemSearchError as error:
        parser.exit(error.exit_code, f"{parser.prog}: error: {error}\n")
    except subprocess.CalledProcessError as error:
        parser.exit(error.returncode)
    print((told.out / "report.md").read_text("utf-8"))


if __name__ == "__main__":
    main()
