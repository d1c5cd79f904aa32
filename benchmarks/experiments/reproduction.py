"""The paper's own experiment: does a stream listen to both modalities, and what do the global objectives add?

    python -m itemsearch.benchmarks.experiments.reproduction --catalog C [--catalog C2] --watch W --test T
        --out RUN [--config TOML] [--steps N] [--until N] [--slice N] [--measure]

One BERT stream, [CLS] as the embedding and nothing beside it, is trained by all five objectives, without one
or both of the global ones, by MLM and ITM alone, and on titles or pictures alone: the variants of
`reproduction_variants`. All have the same products, seed and budget, and advance in slices of N
steps, the least advanced first: the command may be stopped at any time, goes on when given again, and may be
given several times at once to use more cores. W, products not trained on, is looked at after every slice; T
only at the end, or by --measure. Leaf categories are learnt from the first C. All catalogs are Parquet. RUN
holds a folder a variant, reproduction.md, reproduction.json and plots/.
"""

from __future__ import annotations

import argparse
import fcntl
import json
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, replace
from pathlib import Path

from itemsearch.benchmarks.experiments import ablation
from itemsearch.benchmarks.experiments.reproduction_exam import Exam, Listings, take
from itemsearch.benchmarks.experiments.reproduction_measure import measure
from itemsearch.benchmarks.experiments.reproduction_report import write_report
from itemsearch.benchmarks.experiments.reproduction_variants import (
    ReproductionSettings,
    Stream,
    TrainedBy,
    as_seen,
    folder_of,
    streams,
)
from itemsearch.catalog import CatalogConfig, open_catalog
from itemsearch.embed.torch_encoder import TorchEncoder
from itemsearch.errors import ItemSearchError, UsageError
from itemsearch.indexes.progress import Lines
from itemsearch.pretrain.config import read_config
from itemsearch.pretrain.run import pretrain
from itemsearch.pretrain.tokenizer import build_tokenizer

CONFIG = Path(__file__).with_suffix(".toml")
PIECES = 4096
WATCHED = 512
"""Products of the watched catalog that are listed again."""


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m itemsearch.benchmarks.experiments.reproduction")
    parser.add_argument("--catalog", action="append", required=True, help="to train on; may be repeated")
    parser.add_argument("--watch", required=True, help="catalog to follow the training by")
    parser.add_argument("--test", required=True, help="catalog that figures are reported on")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--config", type=Path, default=CONFIG)
    parser.add_argument("--steps", type=int, help="instead of the configuration's")
    parser.add_argument("--until", type=int, help="steps at which to stop and measure; else the last")
    parser.add_argument("--slice", type=int, default=250, help="steps that a variant is ahead at most")
    parser.add_argument("--measure", action="store_true", help="train no further")
    parser.add_argument("--rows", type=int, default=4096, help="how many products of the test catalog")
    parser.add_argument("--category-rows", type=int, default=6000, help="products to learn categories from")
    arguments = parser.parse_args()
    try:
        config = read_config(arguments.config)
        if arguments.steps is not None:
            config = replace(config, train=replace(config.train, steps=arguments.steps))
        settings = ReproductionSettings(
            catalogs=tuple(arguments.catalog),
            watch=arguments.watch,
            test=arguments.test,
            rows=arguments.rows,
            category_rows=arguments.category_rows,
            config=config,
        )
        run(settings, arguments.out, 0 if arguments.measure else arguments.until, arguments.slice)
    except ItemSearchError as error:
        parser.exit(error.exit_code, f"{parser.prog}: error: {error}\n")
    except KeyboardInterrupt:
        parser.exit(130, "stopped: the same command goes on from here\n")


def run(settings: ReproductionSettings, out: Path, until: int | None, slice: int) -> None:
    """Trains every variant to step `until`, None for the last, and measures them unless others still train.

    Raises:
        UsageError: `out` holds a reproduction of other settings.
        CatalogError: a catalog cannot be read.
        ModelError: a variant cannot be trained.
        KeyboardInterrupt: Ctrl-C; what was done is kept.
    """
    with locked(out, wait=True):
        claim(out, settings)
    last = settings.config.train.steps
    goal = last if until is None else min(until, last)
    exam = watched_exam(settings)
    while (name := _train_next(settings, out, goal, slice, exam)) is not None:
        _note(f"{name}: step {reached(out, name)}")
    if any(
        reached(out, name) < min(goal, stream.config.train.steps) for name, stream in variants(settings, out)
    ):
        _note("another process trains on, and will measure")
        return
    tested = exam_of(settings, settings.test, settings.rows)
    for name, stream in variants(settings, out):
        with locked(folder_of(out, name)) as free:
            if free and (step := reached(out, name)):
                with Lines(_note) as told:
                    measure(settings, out, name, stream, tested, step, told)
    write_report(settings, out)
    print((out / "reproduction.md").read_text())


def variants(settings: ReproductionSettings, out: Path) -> Sequence[tuple[str, Stream]]:
    """By name, with the vocabulary that they share."""
    start = replace(settings.config.start, tokenizer=str(out / "tokenizer"))
    return list(streams(replace(settings.config, start=start)).items())


def reached(out: Path, name: str) -> int:
    """How many steps of a variant are done and kept."""
    for kept in ("checkpoint", "checkpoint.old"):
        record = folder_of(out, name) / "run" / kept / "step.json"
        if record.exists():
            return int(json.loads(record.read_text())["step"])
    return 0


def _train_next(settings: ReproductionSettings, out: Path, goal: int, slice: int, exam: Exam) -> str | None:
    """Advances the least advanced variant that is free by a slice; None where nothing is left to do."""
    waiting = [
        (reached(out, name), place, name, stream)
        for place, (name, stream) in enumerate(variants(settings, out))
        if reached(out, name) < min(goal, stream.config.train.steps)
    ]
    for step, _, name, stream in sorted(waiting, key=lambda entry: entry[:2]):
        with locked(folder_of(out, name)) as free:
            if free and reached(out, name) == step:
                advance(settings, out, name, stream, min(goal, (step // slice + 1) * slice), exam)
                return name
    return None


def advance(
    settings: ReproductionSettings, out: Path, name: str, stream: Stream, until: int, exam: Exam
) -> None:
    """Trains one variant to step `until`, and looks at what has become of it."""
    folder = folder_of(out, name)
    catalogs = [
        CatalogConfig(as_seen(catalog, stream.sees, out / "seen" / folder.name / f"{number}.parquet"))
        for number, catalog in enumerate(settings.catalogs)
    ]

    def report(losses: dict[str, float]) -> None:
        _note(f"{name}: " + "  ".join(f"{key} {value:.4g}" for key, value in losses.items()))

    with Lines(_note) as told:
        step = pretrain(catalogs, stream.config, folder, report, told, until).step
    if step < min(until, stream.config.train.steps):
        raise KeyboardInterrupt
    answered = take(TorchEncoder.from_pretrained(str(folder), "cpu"), exam, stream.sees)
    figures = {way: float((places == 1).mean()) for way, places in answered.places.items()}
    line = {"step": step, **figures, "alike": answered.alike, "directions": answered.directions}
    with (folder / "watched.jsonl").open("a") as log:
        log.write(json.dumps(line) + "\n")
    report({key: float(value) for key, value in line.items()})


def watched_exam(settings: ReproductionSettings) -> Exam:
    return exam_of(settings, settings.watch, WATCHED)


def exam_of(settings: ReproductionSettings, catalog: str, rows: int) -> Exam:
    """The first products of a catalog that have both title and picture, and each of them listed again."""
    asked = ablation.Settings(settings.catalogs, catalog, rows, settings.config)
    products, relisted = ablation.draw_relistings(asked)
    return Exam(Listings.of(products), Listings.of(relisted))


def claim(out: Path, settings: ReproductionSettings) -> None:
    """Writes down what `out` is trained on and how, and the word pieces that all variants share.

    Raises:
        UsageError: it is something else.
    """
    trained = asdict(TrainedBy(settings.catalogs, settings.config))
    record, described = out / "settings.json", json.loads(json.dumps(trained))
    out.mkdir(parents=True, exist_ok=True)
    if record.exists():
        held = json.loads(record.read_text())
        if {name: held.get(name) for name in described} != described:
            raise UsageError(f"{out} holds a reproduction of other settings ({record}): give another --out")
        return
    titles = [
        product.title
        for catalog in settings.catalogs
        for batch in open_catalog(CatalogConfig(catalog)).batches()
        for product in batch.items
        if product.title
    ]
    limit = int(settings.config.model["max_title_tokens"])
    build_tokenizer(titles, limit, PIECES).save_pretrained(out / "tokenizer")
    record.write_text(json.dumps(described, indent=1))


@contextmanager
def locked(folder: Path, wait: bool = False) -> Iterator[bool]:
    """Whether `folder` is this process's for the while; False where it is another's and not waited for."""
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
        except BlockingIOError:
            yield False
            return
        yield True


def _note(message: str) -> None:
    print(message, file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()
