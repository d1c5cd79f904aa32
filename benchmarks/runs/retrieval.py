"""The paper's first task: find the same product among extremely similar ones (arXiv 2311.02084).

`itemsearch benchmark retrieval` runs it: our engine on its real path, from catalog to answers, and the usual
means by exact comparison with the whole gallery, on the same data in the same run.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from itemsearch.benchmarks.data.datasets import read_dataset
from itemsearch.benchmarks.data.galleries import Gallery, exact_answers, galleries
from itemsearch.benchmarks.data.predictions import PREDICTIONS, PredictionsWriter
from itemsearch.benchmarks.data.tasks import Task, queries_task, relisted_task, same_task
from itemsearch.benchmarks.methods.baselines import (
    BOTH,
    TFIDF,
    TITLE,
    concatenated,
    embed_baselines,
    tfidf_scores,
)
from itemsearch.benchmarks.methods.ours import EngineUnderTest
from itemsearch.benchmarks.metrics.ranked import figures_by_query
from itemsearch.benchmarks.metrics.scoring import OURS, model_label
from itemsearch.benchmarks.reports.page import describe_run, write_description
from itemsearch.benchmarks.reports.retrieval_report import report
from itemsearch.catalog import CatalogConfig, read_catalog
from itemsearch.embed.encoder import DEFAULT_MODEL, ListingEncoder
from itemsearch.errors import UsageError
from itemsearch.indexes.arrays import Floats

JOINTLY = "joint cosine alone"
JOINT = f"{OURS}, {JOINTLY}"
IMAGE_WEIGHTS = (0.25, 0.35, 0.5, 0.7, 1.0, 1.4, 2.0, 2.8, 4.0)
TUNED_ROWS = 2048
BLOCK = 256
SUMMARY = {
    "relisted": "every product listed again, one to three edits of its words and of its picture each",
    "queries": "of a queries file",
    "same": "products that have another listing; any other one counts",
}

Progress = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class RetrievalConfig:
    """queries: a file with what each should find; query_columns: its roles to column names. same: a column
    whose equal values mean one product. Without either, every product is listed again, heavily edited.

    dataset: a public set of this name is in the folder that `catalog` names; "" for none.
    tune_on: a catalog on whose relisting the weight of the weighted baseline is chosen; "" leaves it out.
    models: ours, the first of which the report is about. others: models of others, to compare with.
    """

    catalog: CatalogConfig
    queries: str = ""
    query_columns: Mapping[str, str] = field(default_factory=dict)
    same: str = ""
    dataset: str = ""
    tune_on: str = ""
    models: tuple[str, ...] = (DEFAULT_MODEL,)
    device: str = "auto"
    seed: int = 0
    baselines: bool = True
    others: tuple[str, ...] = ()


def run(config: RetrievalConfig, out: Path, progress: Progress) -> Mapping[str, Any]:
    """Measures, and writes predictions.parquet, what `report` makes of it, and the engine's own files.

    Returns:
        What metrics.json holds.

    Raises:
        UsageError: options that do not go together.
        CatalogError: the catalog or the queries cannot be read.
    """
    if (config.queries and config.same) or (config.dataset and (config.queries or config.same)):
        raise UsageError("give one of --queries, --same and --dataset")
    config = _read_dataset(config, out) if config.dataset else config
    task = _task(config, out)
    encoders = {
        model_label(name, place): ListingEncoder.from_pretrained(name, config.device)
        for place, name in enumerate(config.models)
    }
    asked = galleries(task)
    ids = [product.id for product in task.listings]
    with PredictionsWriter(out / PREDICTIONS, ids, [p.category for p in task.listings]) as writer:

        def keep(method: str, answers: Iterator[Any]) -> None:
            for gallery, found in zip(asked, answers, strict=True):
                writer.write(gallery.name, method, task.facts.take(gallery.queries), found)

        for place, (method, encoder) in enumerate(encoders.items()):
            progress(f"{method}: embedding the catalog and asking the engine")
            folder = out / "models" / str(place) if place else out
            engine = EngineUnderTest.build(config.catalog, task, encoder, folder)
            keep(method, (engine.answers(gallery) for gallery in asked))
            joint = _cosines(engine.asked.vectors, engine.gallery_vectors)
            keep(f"{method}, {JOINTLY}", iter(exact_answers(joint, task, asked)))
        for method, scores in _baselines(config, task, out, progress):
            keep(method, iter(exact_answers(scores, task, asked)))
    name = "same" if config.same else "queries" if config.queries else "relisted"
    queries, gallery = len(task.query_ids), len(task.listings)
    summary = f"{queries:,} listings ({SUMMARY[name]}), each to be found among {gallery:,}."
    write_description(out, describe_run("retrieval", config, encoders[OURS].stamp, summary))
    progress("reporting")
    return report(out)


def _read_dataset(config: RetrievalConfig, out: Path) -> RetrievalConfig:
    held = read_dataset(config.dataset, Path(config.catalog.path), out / "dataset")
    catalog = CatalogConfig(str(held.catalog), image_root=held.image_root)
    return replace(config, catalog=catalog, queries=held.queries, same=held.same)


def _task(config: RetrievalConfig, out: Path) -> Task:
    out.mkdir(parents=True, exist_ok=True)
    batches = list(read_catalog(config.catalog))
    if config.same:
        return same_task(batches, config.same)
    if config.queries:
        root = config.catalog.image_root if config.dataset else None
        return queries_task(batches, config.queries, config.query_columns, out / "queries.parquet", root)
    return relisted_task(batches, out / "queries.parquet", config.seed)


def _baselines(
    config: RetrievalConfig, task: Task, out: Path, progress: Progress
) -> Iterator[tuple[str, Iterator[Floats]]]:
    """Each baseline's (N,) scores of the gallery, for one query after another."""
    if not config.baselines:
        return
    weight = _tuned_weight(config, out, progress) if config.tune_on else None
    progress("embedding for the baselines")
    gallery = embed_baselines(task.gallery, weight, config.others)
    if task.queries is None:
        asked = {name: vectors[task.own] for name, vectors in gallery.items()}
    else:
        asked = embed_baselines(task.asked, weight, config.others)
    for name in gallery:
        if name in asked:
            yield name, _cosines(asked[name], gallery[name])
    if TITLE in gallery and TITLE in asked:
        yield TFIDF, tfidf_scores(task.asked.titles, task.gallery.titles)


def _tuned_weight(config: RetrievalConfig, out: Path, progress: Progress) -> float | None:
    """What the picture should count in the weighted baseline, by recall@1 of a relisting of `tune_on`."""
    progress("tuning the weighted baseline")
    batches = list(read_catalog(CatalogConfig(config.tune_on, rows=TUNED_ROWS)))
    task = relisted_task(batches, out / "tuning.parquet", config.seed)
    everything: list[Gallery] = galleries(task)[:1]
    gallery, asked = embed_baselines(task.gallery), embed_baselines(task.asked)
    if BOTH not in gallery or BOTH not in asked:
        raise UsageError(f"--tune-on {config.tune_on}: it needs titles and pictures")

    def recall(weight: float) -> float:
        scores = _cosines(concatenated(asked, weight), concatenated(gallery, weight))
        [answers] = exact_answers(scores, task, everything)
        return float(figures_by_query(answers)["recall@1"].mean())

    return max(IMAGE_WEIGHTS, key=recall)


def _cosines(asked: Floats, gallery: Floats) -> Iterator[Floats]:
    """(N,) for each of the Q."""
    for start in range(0, len(asked), BLOCK):
        yield from asked[start : start + BLOCK] @ gallery.T
