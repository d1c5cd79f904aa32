"""The cost of a nightly rebuild after few changes, compared with a full rebuild.

    python -m itemsearch.benchmarks.experiments.nightly_cost CATALOG --out RUN [--changed 0.01]

`itemsearch rebuild` runs on a copy of the catalog. Then a share of the rows changes (--changed): half of
them get another title, a quarter another image, an eighth are removed and an eighth are listed again under
another title. The same command runs again. RUN gets report.md and metrics.json. Seconds are of the whole
command with its start; CPU seconds are of all threads, and do not depend on other programs. Bytes are of
files that a run made, as the disk counts them, not of files that the new version shares with the old.
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

from itemsearch.benchmarks.data.relist import encode_image
from itemsearch.catalog import CatalogConfig, open_catalog
from itemsearch.catalog.images import decode_image
from itemsearch.catalog.row_pictures import Pictures
from itemsearch.catalog.rows import read_rows
from itemsearch.catalog.validate import Cells
from itemsearch.errors import ItemSearchError

CONFIG = 'catalog = "catalog.parquet"\nstore = "store"\nindex = "index"\nmodel = "{}"\n'
SCHEMA = pa.schema({"id": pa.string(), "title": pa.string(), "image": pa.binary(), "category": pa.string()})
KINDS = ("title", "title", "title", "title", "picture", "picture", "dropped", "added")


@dataclass(frozen=True, slots=True)
class CatalogRow:
    """A row of the catalog. image: an image file; None without an image."""

    id: str
    title: str
    image: bytes | None
    category: str


@dataclass(frozen=True, slots=True)
class RebuildRun:
    """A run of `itemsearch rebuild`: its seconds, and its stages as rebuild.jsonl records them."""

    seconds: float
    cpu_seconds: float
    stages: list[dict[str, Any]]


def run(catalog: str, out: Path, changed: float, seed: int, model: str) -> dict[str, Any]:
    """Runs the experiment; returns the content of RUN/metrics.json.

    Raises:
        CatalogError: the catalog cannot be read.
        subprocess.CalledProcessError: a rebuild failed and has printed its error.
    """
    out.mkdir(parents=True)
    (out / "rebuild.toml").write_text(CONFIG.format(model), "utf-8")
    runs, counts, written = {}, {}, {}
    for name, share in (("full", 0.0), ("again", changed)):
        counts[name] = write_catalog(catalog, out / "catalog.parquet", share, seed)
        _note(f"{name}: {dict(counts[name])}")
        before = _inodes(out / "index")
        runs[name] = rebuild(out)
        new = {inode: size for inode, size in _inodes(out / "index").items() if inode not in before}
        written[name] = sum(new.values())
    full, again = runs["full"], runs["again"]
    metrics = {
        "rows": counts["full"]["rows"],
        "changed": {kind: counts["again"][kind] for kind in dict.fromkeys(KINDS)},
        "nights": {name: asdict(rebuild_run) for name, rebuild_run in runs.items()},
        "share of seconds": again.seconds / full.seconds,
        "share of CPU seconds": again.cpu_seconds / full.cpu_seconds,
        "bytes of the index": written,
        "share of bytes": written["again"] / written["full"],
    }
    (out / "metrics.json").write_text(json.dumps(metrics, indent=1), "utf-8")
    (out / "report.md").write_text(_report(metrics), "utf-8")
    return metrics


def write_catalog(catalog: str, path: Path, changed: float, seed: int) -> Counter[str]:
    """Writes the valid rows of a catalog as Parquet, with a share of them changed; equal seeds, equal rows.

    Returns:
        The number of rows read ("read") and written ("rows"), and of each kind of change.
    """
    counts: Counter[str] = Counter()
    with pq.ParquetWriter(path, SCHEMA, compression="none") as writer:
        for batch in read_rows(open_catalog(CatalogConfig(catalog)), _row):
            rows = [new for row in batch.items for new in _changed(row, changed, seed, counts)]
            writer.write_table(pa.Table.from_pylist([asdict(row) for row in rows], SCHEMA))
            counts["rows"] += len(rows)
            counts["read"] += len(batch.items)
    return counts


def rebuild(folder: Path) -> RebuildRun:
    """Runs `itemsearch rebuild` with the configuration in `folder`."""
    started, used = time.perf_counter(), _children_seconds()
    subprocess.run(
        [sys.executable, "-m", "itemsearch", "rebuild", "--config", str(folder / "rebuild.toml")], check=True
    )
    seconds, cpu_seconds = time.perf_counter() - started, _children_seconds() - used
    record = json.loads((folder / "rebuild.jsonl").read_text("utf-8").splitlines()[-1])
    return RebuildRun(seconds, cpu_seconds, record["stages"])


def _row(cells: Cells, pictures: Pictures) -> CatalogRow:
    data = next((picture.data for picture in pictures), None)
    return CatalogRow(cells.id, cells.title, data, cells.category)


def _changed(row: CatalogRow, share: float, seed: int, counts: Counter[str]) -> Iterator[CatalogRow]:
    """The row unchanged or changed, no row where it is removed, or two rows where it is listed again."""
    rng = np.random.default_rng([seed, counts["read"], *row.id.encode()])
    kind = str(rng.choice(KINDS)) if rng.random() < share else "same"
    counts[kind] += 1
    match kind:
        case "title":
            yield CatalogRow(row.id, f"{row.title}, new", row.image, row.category)
        case "picture" if row.image is not None:
            yield CatalogRow(
                row.id, row.title, encode_image(ImageOps.mirror(decode_image(row.image))), row.category
            )
        case "dropped":
            return
        case "added":
            yield row
            yield CatalogRow(f"{row.id}-again", f"{row.title}, again", row.image, row.category)
        case _:
            yield row


def _inodes(folder: Path) -> dict[int, int]:
    """The bytes on the disk of each file in a folder; one of several names counts once."""
    stats = [path.stat() for path in folder.rglob("*")]
    return {stat.st_ino: 512 * stat.st_blocks for stat in stats}


def _children_seconds() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def _report(metrics: dict[str, Any]) -> str:
    full, again = metrics["nights"]["full"], metrics["nights"]["again"]
    changes = ", ".join(f"{count:,} {kind}" for kind, count in metrics["changed"].items())
    lines = [
        f"{metrics['rows']:,} listings; then changed: {changes}.",
        "",
        "| | full | after few changes | share |",
        "|---|---|---|---|",
    ]
    seconds = [("seconds", full["seconds"], again["seconds"])]
    seconds.append(("CPU seconds", full["cpu_seconds"], again["cpu_seconds"]))
    megabytes = (metrics["bytes of the index"][name] / 1e6 for name in ("full", "again"))
    seconds.append(("new MB of the index on the disk", *megabytes))
    for before, after in zip(full["stages"], again["stages"], strict=True):
        seconds.append((f"seconds of {before['name']}", before["seconds"], after["seconds"]))
    lines += [f"| {name} | {one:.1f} | {two:.1f} | {_share(one, two)} |" for name, one, two in seconds]
    facts = {stage["name"]: stage["facts"] for stage in again["stages"]}
    embed, index = facts["embed"], facts["index"]
    lines += [
        "",
        f"{embed['embedded']:,} embedded, {embed['reused']:,} reused. Training {index['training']}.",
    ]
    return "\n".join(lines) + "\n"


def _share(one: float, two: float) -> str:
    """`two` as a share of `one`; "" where `one` is too short to compare."""
    return f"{two / one:.1%}" if one >= 1 else ""


def _note(message: str) -> None:
    print(message, file=sys.stderr)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m itemsearch.benchmarks.experiments.nightly_cost")
    parser.add_argument("catalog")
    parser.add_argument("--out", type=Path, required=True, help="a folder that does not exist yet")
    parser.add_argument("--changed", type=float, default=0.01)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--model", default="default")
    arguments = parser.parse_args()
    if arguments.out.exists():
        parser.error(f"{arguments.out} exists; give another --out")
    try:
        run(arguments.catalog, arguments.out, arguments.changed, arguments.seed, arguments.model)
    except ItemSearchError as error:
        parser.exit(error.exit_code, f"{parser.prog}: error: {error}\n")
    except subprocess.CalledProcessError as error:
        parser.exit(error.returncode)
    print((arguments.out / "report.md").read_text("utf-8"))


if __name__ == "__main__":
    main()
