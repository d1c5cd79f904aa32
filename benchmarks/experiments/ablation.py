"""What each part of the method brings: one short training again and again, each time without one of them.

    python -m itemsearch.benchmarks.experiments.ablation --catalog C [--catalog C2] --test T --out RUN
        [--config TOML] [--steps N] [--rows N] [--only NAME ...]

Every variant (`ablation_variants`) has the same products, seed and budget. Its model is then asked for
products of T listed again: by title and picture, by either alone. RUN/<variant> holds its model, losses and
result.json; a variant that has one is not run again, and a training that was stopped goes on.
RUN/ablation.json and RUN/ablation.md hold all that is done so far.
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
import numpy.typing as npt
import pyarrow as pa
from PIL import Image

from itemsearch.benchmarks.experiments.ablation_variants import OBJECTIVES, Variant, variants
from itemsearch.benchmarks.metrics.bootstrap import Interval, resample_means
from itemsearch.benchmarks.metrics.ranked import best_rows
from itemsearch.catalog import CatalogConfig, open_catalog
from itemsearch.embed.encoder import ListingEncoder
from itemsearch.errors import EmptyCatalogError, ItemSearchError, UsageError
from itemsearch.pretrain.config import PretrainConfig, TrainConfig, read_config
from itemsearch.pretrain.run import pretrain
from itemsearch.relisting.listing import Relisted, relist
from itemsearch.types import Listing

CONFIG = Path(__file__).with_suffix(".toml")
ASKED_BY = ("title and picture", "title alone", "picture alone")


@dataclass(frozen=True, slots=True)
class Settings:
    """What all variants have in common. rows: products of `test` to look for, and to look among."""

    catalogs: tuple[str, ...]
    test: str
    rows: int
    config: PretrainConfig


@dataclass(frozen=True, slots=True)
class Training:
    """held_out: losses on held-out products. seconds: None where it was stopped after its last step."""

    held_out: Mapping[str, float]
    seconds: float | None


@dataclass(frozen=True, slots=True)
class Result:
    """recall: recall@1 by what was asked with, as in `ASKED_BY`."""

    recall: Mapping[str, Interval]
    training: Training


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m itemsearch.benchmarks.experiments.ablation")
    parser.add_argument("--catalog", action="append", required=True, help="to train on; may be repeated")
    parser.add_argument("--test", required=True, help="catalog whose products are listed again")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--config", type=Path, default=CONFIG, help="what something is left out of")
    parser.add_argument("--steps", type=int, help="instead of the configuration's")
    parser.add_argument("--rows", type=int, default=1024, help="how many products of the test catalog")
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


def run(settings: Settings, out: Path, only: Collection[str]) -> Mapping[str, Result]:
    """The results that `out` then has, by variant; `only` names those to run, or is empty for all.

    Raises:
        UsageError: `only` names no variant, or `out` holds an ablation of other settings.
        CatalogError: a catalog cannot be read, or nothing of the test catalog can be asked for.
        ModelError: a variant cannot be trained.
        KeyboardInterrupt: Ctrl-C; what was done is kept.
    """
    chosen = variants(settings.config)
    if unknown := [name for name in only if name not in chosen]:
        raise UsageError(f"--only {unknown[0]!r} is no variant; there are {', '.join(chosen)}")
    _claim(out, settings)
    listings, relisted = draw_training_queries(settings)
    results: Mapping[str, Result] = {}
    for name in only or chosen:
        variant, record = chosen[name], _record(out, name)
        if not record.exists():
            model = _record(out, variant.model).parent
            training = train(variant, settings.catalogs, model)
            recall = measure(ListingEncoder.from_pretrained(str(model)), listings, relisted, variant)
            record.parent.mkdir(exist_ok=True)
            record.write_text(json.dumps(asdict(Result(recall, training)), indent=1))
        results = {name: _read_result(path) for name in chosen if (path := _record(out, name)).exists()}
        described = {name: asdict(result) for name, result in results.items()}
        (out / "ablation.json").write_text(json.dumps({**asdict(settings), "variants": described}, indent=1))
        (out / "ablation.md").write_text(markdown(results, len(listings), settings.config.train))
    return results


def draw_training_queries(settings: Settings) -> tuple[list[Listing], list[Relisted]]:
    """The test catalog's first products that have both title and picture, and each of them listed again.

    Raises:
        CatalogError: the catalog cannot be read, or has no such product.
    """
    listings: list[Listing] = []
    relisted: list[Relisted] = []
    for batch in open_catalog(CatalogConfig(settings.test)).batches():
        texts = [field.name for field in batch.carried.schema if pa.types.is_string(field.type)]
        carried = batch.carried.select(texts).to_pylist()
        for product, extra in zip(batch.items, carried, strict=True):
            if product.title and product.image is not None and len(listings) < settings.rows:
                rng = np.random.default_rng([settings.config.train.seed, product.row])
                listings.append(product)
                relisted.append(relist(product, extra, rng))
        if len(listings) == settings.rows:
            break
    if not listings:
        raise EmptyCatalogError(f"{settings.test}: no product has both a title and a picture")
    return listings, relisted


def train(variant: Variant, catalogs: Sequence[str], folder: Path) -> Training:
    """Makes `folder` the model of a variant, unless it is already.

    Raises:
        CatalogError, ModelError: as `pretrain`.
        KeyboardInterrupt: Ctrl-C; the same call goes on from there.
    """
    record = folder / "training.json"
    if record.exists():
        return Training(**json.loads(record.read_text()))
    paces: list[float] = []

    def report(losses: dict[str, float]) -> None:
        if pace := losses.get("steps_per_second"):
            paces.append(pace)
        _note(f"{folder.name}: " + "  ".join(f"{name} {value:.4g}" for name, value in losses.items()))

    configs = [CatalogConfig(path) for path in catalogs]
    if not pretrain(configs, variant.config, folder, report, _note).progress.finished:
        raise KeyboardInterrupt
    log = (folder / "run" / "losses.jsonl").rename(folder / "losses.jsonl")
    shutil.rmtree(folder / "run")  # the products and the optimizer's state: many times the model
    last = json.loads(log.read_text().splitlines()[-1])
    held_out = {name.removeprefix("held_out_"): loss for name, loss in last.items() if name != "step"}
    seconds = variant.config.train.steps * fmean(1 / pace for pace in paces) if paces else None
    training = Training(held_out, seconds)
    record.write_text(json.dumps(asdict(training), indent=1))
    return training


def measure(
    encoder: ListingEncoder, listings: Sequence[Listing], relisted: Sequence[Relisted], variant: Variant
) -> Mapping[str, Interval]:
    """Recall@1 of exact search for each product, by its relisting, among the products as they are."""

    def embed(
        titles: Sequence[str] | None, images: Sequence[Image.Image | None] | None
    ) -> npt.NDArray[np.float32]:
        count = len(listings)
        vectors = encoder.encode(titles or [""] * count, images or [None] * count)
        if variant.parts_only:
            vectors[:, : encoder.model.config.parts["stream"]] = 0
            vectors /= np.linalg.norm(vectors, axis=1, keepdims=True).clip(min=1e-12)
        return vectors

    gallery = embed([product.title for product in listings], [product.image for product in listings])
    titles, images = [listing.title for listing in relisted], [listing.image for listing in relisted]
    recall = {}
    for by, asked in zip(ASKED_BY, ((titles, images), (titles, None), (None, images)), strict=True):
        queries = embed(*asked)
        first = [
            best_rows(gallery @ query, np.array([row]), -1, 1)[0][0] for row, query in enumerate(queries)
        ]
        hits = np.array([row == found for row, found in enumerate(first)], float)
        recall[by] = resample_means({"recall@1": hits}, np.arange(len(hits)))["recall@1"].interval
    return recall


def markdown(results: Mapping[str, Result], rows: int, train: TrainConfig) -> str:
    """A table: a row a variant, recall@1 with its 95% interval, held-out losses, seconds of training."""
    head = (
        f"{rows:,} products listed again, each to be found among {rows:,} by exact search: recall@1 and its "
        f"95% interval. Losses on held-out products. {train.steps} steps of {train.batch_size} products.\n"
    )
    names = ["variant", *ASKED_BY, *OBJECTIVES, "seconds"]
    lines = [f"| {' | '.join(names)} |", f"|{'---|' * len(names)}"]
    for name, result in results.items():
        training = result.training
        losses = [f"{training.held_out[of]:.3f}" if of in training.held_out else "" for of in OBJECTIVES]
        seconds = "" if training.seconds is None else f"{training.seconds:.0f}"
        lines.append(f"| {' | '.join([name, *map(str, result.recall.values()), *losses, seconds])} |")
    return "\n".join([head, *lines, ""])


def _claim(out: Path, settings: Settings) -> None:
    """Writes down what `out` is an ablation of; refuses a folder that is one of something else."""
    record, described = out / "settings.json", json.loads(json.dumps(asdict(settings)))
    if not record.exists():
        out.mkdir(parents=True, exist_ok=True)
        record.write_text(json.dumps(described, indent=1))
    elif json.loads(record.read_text()) != described:
        raise UsageError(f"{out} holds an ablation of other settings ({record}): give another --out")


def _read_result(record: Path) -> Result:
    held = json.loads(record.read_text())
    recall = {by: Interval(**interval) for by, interval in held["recall"].items()}
    return Result(recall, Training(**held["training"]))


def _record(out: Path, variant: str) -> Path:
    return out / variant.replace(" ", "-") / "result.json"


def _note(message: str) -> None:
    print(message, file=sys.stderr)


if __name__ == "__main__":
    main()
