"""All that is measured of a trained variant, kept in its folder: result.json and places.npz."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from itemsearch.benchmarks.data.predictions import OURS
from itemsearch.benchmarks.experiments.listening import listen
from itemsearch.benchmarks.experiments.reproduction_exam import Exam, Listings, take
from itemsearch.benchmarks.experiments.reproduction_variants import (
    BOTH,
    ReproductionSettings,
    Stream,
    as_seen,
    folder_of,
)
from itemsearch.benchmarks.experiments.trivial import trivial_losses
from itemsearch.benchmarks.runs import category
from itemsearch.catalog import CatalogConfig
from itemsearch.embed.torch_encoder import TorchEncoder
from itemsearch.indexes.progress import Progress

RESULT, PLACES, FOLLOWS = "result.json", "places.npz", "follows picture"
LISTENED = 256
"""Products whose attention and gradients are looked at."""


def measure(
    settings: ReproductionSettings,
    out: Path,
    name: str,
    stream: Stream,
    exam: Exam,
    step: int,
    progress: Progress,
) -> None:
    """Measures a variant as it is after `step` steps, unless that is done."""
    folder = folder_of(out, name)
    record, measured = folder / RESULT, {"step": step, **settings.measured}
    if record.exists() and measured.items() <= json.loads(record.read_text()).items():
        return
    progress(f"{name}: measuring at step {step}")
    encoder = TorchEncoder.from_pretrained(str(folder), "cpu")
    answered = take(encoder, exam, stream.sees)
    kept: dict[str, Any] = dict(answered.places)
    if answered.follows_picture is not None:
        kept[FOLLOWS] = answered.follows_picture
    np.savez(folder / PLACES, **kept)
    described: dict[str, Any] = {
        **measured,
        "alike": answered.alike,
        "directions": answered.directions,
        "category": categories(settings, out, name, stream, progress),
        "held_out": held_out_losses(folder / "run" / "losses.jsonl"),
    }
    if stream.sees == BOTH:
        some = Listings(exam.products.titles[:LISTENED], exam.products.images[:LISTENED])
        weights, checkpoint = stream.config.objectives, folder / "run" / "checkpoint" / "model.safetensors"
        described["listening"] = asdict(listen(encoder, checkpoint, weights, stream.config.masking, some))
        described["trivial"] = trivial_losses(folder / "run", encoder, stream.config)
    record.write_text(json.dumps(described, indent=1))


def categories(
    settings: ReproductionSettings, out: Path, name: str, stream: Stream, progress: Progress
) -> Mapping[str, Any]:
    """Figures of leaf categories, as `category` makes them, by what the stream sees."""
    folder = folder_of(out, name)
    seen = out / "seen" / folder.name
    train, test = (
        CatalogConfig(as_seen(catalog, stream.sees, seen / f"{kind}.parquet"), rows=rows)
        for kind, catalog, rows in (("0", settings.catalogs[0], None), ("test", settings.test, settings.rows))
    )
    config = category.CategoryConfig(
        train, test, models=(str(folder),), device="cpu", rows=settings.category_rows, baselines=False
    )
    methods = category.run(config, folder / "category", progress)["methods"]
    found: Mapping[str, Any] = methods[f"{OURS}, {category.JOINT}"]  # the paper's own embedding
    return found


def held_out_losses(log: Path) -> Mapping[str, float]:
    """The last ones that were logged, and the step that they are of."""
    lines = [json.loads(line) for line in log.read_text().splitlines()]
    held = [line for line in lines if "held_out_loss" in line]
    return {name.removeprefix("held_out_"): value for name, value in held[-1].items()} if held else {}
