"""The self-join of `rivals`: all pairs of a shop with planted relistings, ours and imagededup's."""

from __future__ import annotations

import csv
import json
import shutil
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq

from itemsearch.benchmarks.data.predictions import OURS
from itemsearch.benchmarks.experiments.decide_catalogs import make_catalogs
from itemsearch.benchmarks.metrics.child import ChildCost, measure_child
from itemsearch.benchmarks.reports.page import ReportTable
from itemsearch.catalog import CatalogConfig, open_catalog

PROBABLE = 0.5
JOINS = {
    "imagededup PHash": "from imagededup.methods import PHash as Method",
    "imagededup CNN, random weights": (
        # Its weights would be downloaded; the network and the comparison are its own.
        "import torch\nimport torchvision.models as models\n"
        "from functools import partial\nfrom imagededup.methods import CNN\n"
        "from imagededup.utils.models import CustomModel\n"
        "network = models.mobilenet_v3_small(weights=None)\n"
        "head = torch.nn.Sequential(network.features, network.avgpool, torch.nn.Flatten()).eval()\n"
        "change = models.MobileNet_V3_Small_Weights.DEFAULT.transforms()\n"
        "Method = partial(CNN, model_config=CustomModel(name='random', model=head, transform=change))"
    ),
}
JOIN = """
if __name__ == "__main__":
    import json, sys
    found = Method().find_duplicates(image_dir=sys.argv[1])
    json.dump(found, open(sys.argv[2], "w"))
"""


@dataclass(frozen=True, slots=True)
class JoinFigures:
    method: str
    pairs: int
    precision: float
    recall: float
    cost: ChildCost


def join_figures(data: Path, imagededup: str, out: Path) -> list[JoinFigures]:
    """Pairs that each finds in the general shop with planted relistings, at its defaults."""
    catalog = make_catalogs(data, out / "catalogs")["general, planted"]()
    with catalog.truth.open(newline="", encoding="utf-8") as file:
        true = {_pair(row["id_a"], row["id_b"]) for row in csv.DictReader(file)}
    folder = out / "dedupe"
    shutil.rmtree(folder, ignore_errors=True)
    cost = measure_child(
        [sys.executable, "-m", "itemsearch", "dedupe", catalog.catalog.path, "--out", str(folder)]
    )
    pairs = pq.read_table(next(folder.rglob("pairs.parquet")))
    probable = np.flatnonzero(pairs["probability"].to_numpy() >= PROBABLE)
    ids = zip(*(pairs[name].take(probable).to_pylist() for name in ("id_a", "id_b")), strict=True)
    figures = [join_of(OURS, {_pair(*each) for each in ids}, true, cost)]
    for name, code in JOINS.items() if imagededup else ():
        figures.append(_imagededup(name, code, imagededup, catalog.catalog, true, out / "pictures"))
    return figures


def _imagededup(
    name: str, code: str, python: str, catalog: CatalogConfig, true: set[tuple[str, str]], folder: Path
) -> JoinFigures:
    """It reads a folder of pictures, here named by the number of their listing."""
    ids: list[str] = []
    folder.mkdir(exist_ok=True)
    for batch in open_catalog(catalog).batches():
        for item in batch.items:
            if item.image is not None:
                item.image.save(folder / f"{len(ids)}.jpg", quality=95)
            ids.append(item.id)
    found = folder.with_name("imagededup.json")
    cost = measure_child([python, "-c", code + JOIN, str(folder), str(found)])
    pairs = {
        _pair(ids[int(Path(one).stem)], ids[int(Path(other).stem)])
        for one, others in json.loads(found.read_text("utf-8")).items()
        for other in others
    }
    return join_of(name, pairs, true, cost)


def join_of(
    name: str, pairs: set[tuple[str, str]], true: set[tuple[str, str]], cost: ChildCost
) -> JoinFigures:
    right = len(pairs & true)
    return JoinFigures(name, len(pairs), right / max(len(pairs), 1), right / max(len(true), 1), cost)


def _pair(one: str, other: str) -> tuple[str, str]:
    return (one, other) if one < other else (other, one)


def join_table(found: Sequence[Mapping[str, Any]]) -> ReportTable:
    head = ["self-join", "pairs", "precision", "recall", "seconds", "CPU seconds", "MB of its own"]
    rows = []
    for each in found:
        cost = each["cost"]
        figures = [f"{each['pairs']:,}", f"{each['precision']:.3f}", f"{each['recall']:.3f}"]
        costs = [f"{cost['seconds']:.1f}", f"{cost['cpu_seconds']:.1f}", f"{cost['own_bytes'] / 1e6:,.0f}"]
        rows.append([each["method"], *figures, *costs])
    return ReportTable(head, rows)
