"""`itemsearch benchmark retrieval`: find listings of the same product (first task of arXiv 2311.02084).

The engine runs as a user runs it, from the catalog to the answers. Baselines compare each query exactly with
the whole gallery, on the same data in the same run.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from itemsearch.benchmarks.data.datasets import read_dataset
from itemsearch.benchmarks.data.galleries import exact_answers, galleries
from itemsearch.benchmarks.data.predictions import OURS, PREDICTIONS, PredictionsWriter, model_label
from itemsearch.benchmarks.data.tasks import Task, TitlesAndImages, queries_task, relisted_task, same_task
from itemsearch.benchmarks.methods.baselines import (
    BOTH,
    TFIDF,
    TITLE,
    concatenated,
    embed_baselines,
    tfidf_scores,
)
from itemsearch.benchmarks.methods.ours import TaskEngine
from itemsearch.benchmarks.metrics.ranked import Answers, figures_by_query
from itemsearch.benchmarks.reports.page import describe_run, write_description
from itemsearch.benchmarks.reports.retrieval_report import report
from itemsearch.catalog import CatalogConfig, open_catalog
from itemsearch.embed.encoder import open_encoder
from itemsearch.embed.model_folder import DEFAULT_MODEL
from itemsearch.errors import UsageError
from itemsearch.indexes.arrays import Floats
from itemsearch.indexes.progress import Progress

JOINT_ALONE = "joint cosine alone"
JOINT = f"{OURS}, {JOINT_ALONE}"
IMAGE_WEIGHTS = (0.25, 0.35, 0.5, 0.7, 1.0, 1.4, 2.0, 2.8, 4.0)
TUNING_ROWS = 2048
BLOCK = 256
SUMMARY = {
    "relisted": "every listing relisted, with one to three edits each of its title and of its image",
    "queries": "of a queries file",
    "same": "listings of products with several listings; any other listing of the product is right",
}


@dataclass(frozen=True, slots=True)
class RetrievalConfig:
    """Options of the benchmark. Without queries and same, every listing is relisted with heavy edits.

    Attributes:
        queries: a queries file with expected ids; "" for none.
        query_columns: role to column name of the queries file.
        same: a column whose equal values mean one product; "" for none.
        dataset: the public data set in the folder that `catalog` names; "" for none.
        tune_on: a catalog whose relistings choose the weight of the weighted baseline; "" leaves it out.
        models: our models; the report is about the first.
        others: other models to compare with.
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
    """Runs the benchmark and writes predictions.parquet, the report, and the store and index of each model.

    Returns:
        The content of metrics.json.

    Raises:
        UsageError: options exclude each other.
        CatalogError: the catalog or the queries cannot be read.
    """
    if (config.queries and config.same) or (config.dataset and (config.queries or config.same)):
        raise UsageError("give one of --queries, --same and --dataset")
    config = _read_dataset(config, out) if config.dataset else config
    task = _task(config, out)
    encoders = {
        model_label(name, place): open_encoder(name, config.device, bulk=True)
        for place, name in enumerate(config.models)
    }
    searched = galleries(task)
    ids = [listing.id for listing in task.listings]
    categories = [listing.category for listing in task.listings]
    with PredictionsWriter(out / PREDICTIONS, ids, categories) as writer:

        def write(method: str, answers: Iterable[Answers]) -> None:
            for gallery, gallery_answers in zip(searched, answers, strict=True):
                writer.write(gallery.name, method, task.query_facts.take(gallery.queries), gallery_answers)

        for place, (method, encoder) in enumerate(encoders.items()):
            progress(f"{method}: embedding the catalog and searching")
            folder = out / "models" / str(place) if place else out
            engine = TaskEngine.build(config.catalog, task, encoder, folder)
            write(method, (engine.answers(gallery) for gallery in searched))
            joint = _cosines(engine.queries.vectors, engine.gallery_vectors)
            write(f"{method}, {JOINT_ALONE}", exact_answers(joint, task, searched))
        for method, scores in _baselines(config, task, out, progress):
            write(method, exact_answers(scores, task, searched))
    name = "same" if config.same else "queries" if config.queries else "relisted"
    queries = f"{len(task.query_ids):,} queries ({SUMMARY[name]})"
    summary = f"{queries}, each searched in {len(task.listings):,} listings."
    write_description(out, describe_run("retrieval", config, encoders[OURS].stamp, summary))
    progress("reporting")
    return report(out)


def _read_dataset(config: RetrievalConfig, out: Path) -> RetrievalConfig:
    dataset = read_dataset(config.dataset, Path(config.catalog.path), out / "dataset")
    catalog = CatalogConfig(str(dataset.catalog), image_root=dataset.image_root)
    return replace(config, catalog=catalog, queries=dataset.queries, same=dataset.same)


def _task(config: RetrievalConfig, out: Path) -> Task:
    out.mkdir(parents=True, exist_ok=True)
    batches = list(open_catalog(config.catalog).batches())
    if config.same:
        return same_task(batches, config.same)
    if config.queries:
        root = config.catalog.image_root if config.dataset else None
        return queries_task(batches, config.queries, config.query_columns, out / "queries.parquet", root)
    return relisted_task(batches, out / "queries.parquet", config.seed)


def _baselines(
    config: RetrievalConfig, task: Task, out: Path, progress: Progress
) -> Iterator[tuple[str, Iterator[Floats]]]:
    """Each baseline, and its (N,) scores of the gallery for one query after another."""
    if not config.baselines:
        return
    weight = _tuned_weight(config, out, progress) if config.tune_on else None
    progress("embedding for the baselines")
    listings = TitlesAndImages.of(task.listings)
    gallery = embed_baselines(listings, weight, config.others)
    if task.from_gallery:
        queries = {name: vectors[task.own_rows] for name, vectors in gallery.items()}
    else:
        queries = embed_baselines(task.queries, weight, config.others)
    for name in gallery:
        if name in queries:
            yield name, _cosines(queries[name], gallery[name])
    if TITLE in gallery and TITLE in queries:
        yield TFIDF, tfidf_scores(task.queries.titles, listings.titles)


def _tuned_weight(config: RetrievalConfig, out: Path, progress: Progress) -> float | None:
    """The image weight of the weighted baseline with the best recall@1 on relistings of `tune_on`."""
    progress("tuning the weighted baseline")
    batches = list(open_catalog(CatalogConfig(config.tune_on, rows=TUNING_ROWS)).batches())
    task = relisted_task(batches, out / "tuning.parquet", config.seed)
    everything = galleries(task)[:1]
    gallery = embed_baselines(TitlesAndImages.of(task.listings))
    queries = embed_baselines(task.queries)
    if BOTH not in gallery or BOTH not in queries:
        raise UsageError(f"--tune-on {config.tune_on}: its listings need titles and images")

    def recall(weight: float) -> float:
        scores = _cosines(concatenated(queries, weight), concatenated(gallery, weight))
        [answers] = exact_answers(scores, task, everything)
        return float(figures_by_query(answers)["recall@1"].mean())

    return max(IMAGE_WEIGHTS, key=recall)


def _cosines(queries: Floats, gallery: Floats) -> Iterator[Floats]:
    """(N,) inner products with the (N, D) gallery, for each of the (Q, D) queries in turn."""
    for start in range(0, len(queries), BLOCK):
        yield from queries[start : start + BLOCK] @ gallery.T
