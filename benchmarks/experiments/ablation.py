"""Ablation: short trainings, each without one part of the method.

    python -m itemsearch.benchmarks.experiments.ablation --catalog C [--catalog C2] --test T --out RUN
        [--config TOML] [--steps N] [--rows N] [--only NAME ...]

Every variant (`ablation_variants`) has the same training listings, seed and number of steps. Its model then
searches relistings of T, by title and image and by either alone. RUN/<variant> holds its model, losses and
result.json; a variant with result.json is not run again, and a stopped training is resumed. RUN/ablation.json
and RUN/ablation.md hold the results so far.
"""

from __future__ import annotations

import argparse
import json
import shutil
import sys
from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from statistics import fmean

import numpy as np
from PIL import Image

from itemsearch.benchmarks.data.relist import carried_text_rows
from itemsearch.benchmarks.data.vector_files import unit_length
from itemsearch.benchmarks.experiments.ablation_variants import OBJECTIVES, Variant, variants
from itemsearch.benchmarks.metrics.bootstrap import Interval, resample_means
from itemsearch.benchmarks.metrics.ranked import best_rows
from itemsearch.catalog import CatalogConfig, open_catalog
from itemsearch.embed.torch_encoder import TorchEncoder
from itemsearch.errors import EmptyCatalogError, ItemSearchError, UsageError
from itemsearch.indexes.arrays import Floats
from itemsearch.indexes.progress import Lines
from itemsearch.pretrain.config import PretrainConfig, TrainConfig, read_config
from itemsearch.pretrain.run import pretrain
from itemsearch.relisting.listing import Relisting, relist
from itemsearch.types import Listing

CONFIG = Path(__file__).with_suffix(".toml")
QUERIED_BY = ("title and picture", "title alone", "picture alone")
"""The modalities of the queries."""


@dataclass(frozen=True, slots=True)
class Settings:
    """The options that all variants share. rows: the number of listings of `test` that are relisted."""

    catalogs: tuple[str, ...]
    test: str
    rows: int
    config: PretrainConfig


@dataclass(frozen=True, slots=True)
class TrainingResult:
    """held_out: losses on held-out listings. seconds: None where it was stopped after its last step."""

    held_out: Mapping[str, float]
    seconds: float | None


@dataclass(frozen=True, slots=True)
class VariantResult:
    """recall: recall@1 for each of `QUERIED_BY`."""

    recall: Mapping[str, Interval]
    training: TrainingResult


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m itemsearch.benchmarks.experiments.ablation")
    parser.add_argument("--catalog", action="append", required=True, help="to train on; may be repeated")
    parser.add_argument("--test", required=True, help="catalog whose listings are relisted")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--config", type=Path, default=CONFIG, help="configuration of the full variant")
    parser.add_argument("--steps", type=int, help="instead of the configuration's")
    parser.add_argument("--rows", type=int, default=1024, help="number of listings of the test catalog")
    parser.add_argument("--only", nargs="+", metavar="NAME", default=[], help="which variants; else all")
    arguments = parser.parse_args()
    try:
        config = read_config(arguments.config)
        if (steps := arguments.steps) is not None:
            train = replace(config.train, steps=steps, validate_every=steps, save_every=steps)
            config = replace(config, train=train)
        settings = Settings(tuple(arguments.catalog), arguments.test, arguments.rows, config)
        run(settings, arguments.out, arguments.only)
    except ItemSearchError as error:
        parser.exit(error.exit_code, f"{parser.prog}: error: {error}\n")
    except KeyboardInterrupt:
        parser.exit(130, "stopped: the same command goes on from here\n")
    print((arguments.out / "ablation.md").read_text())


def run(settings: Settings, out: Path, only: Collection[str]) -> Mapping[str, VariantResult]:
    """Runs variants; returns all results in `out`, by variant.

    Args:
        only: the variants to run; empty for all.

    Raises:
        UsageError: `only` names no variant, or `out` holds an ablation of other settings.
        CatalogError: a catalog cannot be read, or the test catalog has no listing with title and image.
        ModelError: a variant cannot be trained.
        KeyboardInterrupt: Ctrl-C; finished work is kept.
    """
    chosen = variants(settings.config)
    if unknown := [name for name in only if name not in chosen]:
        raise UsageError(f"--only {unknown[0]!r} is no variant; there are {', '.join(chosen)}")
    _claim(out, settings)
    listings, relisted = draw_relistings(settings)
    results: Mapping[str, VariantResult] = {}
    for name in only or chosen:
        variant, record = chosen[name], _record(out, name)
        if not record.exists():
            model = _record(out, variant.model).parent
            training = train(variant, settings.catalogs, model)
            recall = measure(TorchEncoder.from_pretrained(str(model)), listings, relisted, variant)
            record.parent.mkdir(exist_ok=True)
            record.write_text(json.dumps(asdict(VariantResult(recall, training)), indent=1))
        results = {name: _read_result(path) for name in chosen if (path := _record(out, name)).exists()}
        described = {name: asdict(result) for name, result in results.items()}
        (out / "ablation.json").write_text(json.dumps({**asdict(settings), "variants": described}, indent=1))
        (out / "ablation.md").write_text(markdown(results, len(listings), settings.config.train))
    return results


def draw_relistings(settings: Settings) -> tuple[list[Listing], list[Relisting]]:
    """The first listings of the test catalog that have both title and image, and a relisting of each.

    Raises:
        CatalogError: the catalog cannot be read, or has no such listing.
    """
    listings: list[Listing] = []
    relisted: list[Relisting] = []
    for batch in open_catalog(CatalogConfig(settings.test)).batches():
        for listing, texts in zip(batch.items, carried_text_rows(batch), strict=True):
            if listing.title and listing.image is not None and len(listings) < settings.rows:
                rng = np.random.default_rng([settings.config.train.seed, listing.row])
                listings.append(listing)
                relisted.append(relist(listing, texts, rng))
        if len(listings) == settings.rows:
            break
    if not listings:
        raise EmptyCatalogError(f"{settings.test}: no listing has both a title and an image")
    return listings, relisted


def train(variant: Variant, catalogs: Sequence[str], folder: Path) -> TrainingResult:
    """Trains the model of a variant into `folder`, unless it is there.

    Raises:
        CatalogError, ModelError: as `pretrain`.
        KeyboardInterrupt: Ctrl-C; the same call resumes the training.
    """
    record = folder / "training.json"
    if record.exists():
        return TrainingResult(**json.loads(record.read_text()))
    speeds: list[float] = []

    def report(losses: dict[str, float]) -> None:
        if speed := losses.get("steps_per_second"):
            speeds.append(speed)
        _note(f"{folder.name}: " + "  ".join(f"{name} {value:.4g}" for name, value in losses.items()))

    configs = [CatalogConfig(path) for path in catalogs]
    with Lines(_note) as told:
        finished = pretrain(configs, variant.config, folder, report, told).finished
    if not finished:
        raise KeyboardInterrupt
    log = (folder / "run" / "losses.jsonl").rename(folder / "losses.jsonl")
    shutil.rmtree(folder / "run")  # the listings and the optimizer's state, many times the size of the model
    last = json.loads(log.read_text().splitlines()[-1])
    held_out = {name.removeprefix("held_out_"): loss for name, loss in last.items() if name != "step"}
    seconds = variant.config.train.steps * fmean(1 / speed for speed in speeds) if speeds else None
    training = TrainingResult(held_out, seconds)
    record.write_text(json.dumps(asdict(training), indent=1))
    return training


def measure(
    encoder: TorchEncoder, listings: Sequence[Listing], relisted: Sequence[Relisting], variant: Variant
) -> Mapping[str, Interval]:
    """Recall@1 of exact search in the listings, with their relistings as queries."""

    def embed(titles: Sequence[str] | None, images: Sequence[Image.Image | None] | None) -> Floats:
        count = len(listings)
        vectors = encoder.encode(titles or [""] * count, images or [None] * count)
        if variant.parts_only:
            vectors[:, : encoder.model.config.parts["stream"]] = 0
            return unit_length(vectors)
        return vectors

    gallery = embed([listing.title for listing in listings], [listing.image for listing in listings])
    titles, images = [listing.title for listing in relisted], [listing.image for listing in relisted]
    recall = {}
    for by, modalities in zip(QUERIED_BY, ((titles, images), (titles, None), (None, images)), strict=True):
        queries = embed(*modalities)
        first_rows = [
            best_rows(gallery @ query, np.array([row]), -1, 1)[0][0] for row, query in enumerate(queries)
        ]
        hits = np.array([row == first for row, first in enumerate(first_rows)], float)
        recall[by] = resample_means({"recall@1": hits}, np.arange(len(hits)))["recall@1"].interval
    return recall


def markdown(results: Mapping[str, VariantResult], rows: int, train: TrainConfig) -> str:
    """A table with a row for each variant: recall@1 and its 95% interval, held-out losses, seconds."""
    head = (
        f"{rows:,} relistings, each searched exactly in {rows:,} listings: recall@1 and its 95% interval. "
        f"Losses on held-out listings. {train.steps} steps of {train.batch_size} listings.\n"
    )
    names = ["variant", *QUERIED_BY, *OBJECTIVES, "seconds"]
    lines = [f"| {' | '.join(names)} |", f"|{'---|' * len(names)}"]
    for variant, result in results.items():
        training = result.training
        losses = [
            f"{training.held_out[name]:.3f}" if name in training.held_out else "" for name in OBJECTIVES
        ]
        seconds = "" if training.seconds is None else f"{training.seconds:.0f}"
        lines.append(f"| {' | '.join([variant, *map(str, result.recall.values()), *losses, seconds])} |")
    return "\n".join([head, *lines, ""])


def _claim(out: Path, settings: Settings) -> None:
    """Records the settings in `out`; refuses a folder with other settings.

    Raises:
        UsageError: `out` holds an ablation of other settings.
    """
    record, described = out / "settings.json", json.loads(json.dumps(asdict(settings)))
    if not record.exists():
        out.mkdir(parents=True, exist_ok=True)
        record.write_text(json.dumps(described, indent=1))
    elif json.loads(record.read_text()) != described:
        raise UsageError(f"{out} holds an ablation of other settings ({record}): give another --out")


def _read_result(record: Path) -> VariantResult:
    plain = json.loads(record.read_text())
    recall = {by: Interval(**interval) for by, interval in plain["recall"].items()}
    return VariantResult(recall, TrainingResult(**plain["training"]))


def _record(out: Path, variant: str) -> Path:
    return out / variant.replace(" ", "-") / "result.json"


def _note(message: str) -> None:
    print(message, file=sys.stderr)


if __name__ == "__main__":
    main()
