"""The paper's first task: find the same product among extremely similar ones (arXiv 2311.02084).

`itemsearch benchmark retrieval` runs it: our engine on its real path, from catalog to results, and the usual
means by exact comparison with the whole gallery, on the same data in the same run.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from benchmarks.baselines import (
    BOTH,
    TFIDF,
    TITLE,
    concatenated,
    embed_baselines,
    tfidf_scores,
)
from benchmarks.metrics import MISSING, Floats, Interval, Ranks, rank_of_right, recall_at
from benchmarks.report import describe_run, write_run
from benchmarks.tasks import Task, first_batches, queries_task, relisted_task, same_task
from itemsearch.catalog import CatalogConfig
from itemsearch.embed.catalog import EmbedConfig, embed_catalog
from itemsearch.embed.encoder import DEFAULT_MODEL, ProductEncoder
from itemsearch.errors import UsageError
from itemsearch.search.batch import BatchConfig, search_file
from itemsearch.search.build import build_index_folder
from itemsearch.search.engine import Engine
from itemsearch.store.reader import open_embedded

KS = (1, 5, 10)
OURS, JOINT = "itemsearch", "itemsearch, joint cosine alone"
IMAGE_WEIGHTS = (0.25, 0.35, 0.5, 0.7, 1.0, 1.4, 2.0, 2.8, 4.0)
TUNED_ROWS = 2048
BLOCK = 256
SUMMARY = {
    "relisted": "every product listed again, one to three edits of its words and of its picture each",
    "queries": "of a queries file",
    "same": "products that have another listing; any other one counts",
}
RESULTS = pa.schema({"query_id": pa.string(), "rank": pa.int32(), "id": pa.string(), "score": pa.float32()})

Progress = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class RetrievalConfig:
    """queries: a file with what each should find; query_columns: its roles to column names. same: a column
    whose equal values mean one product. Without either, every product is listed again, heavily edited.

    tune_on: a catalog on whose relisting the weight of the weighted baseline is chosen; None leaves it out.
    """

    catalog: CatalogConfig
    queries: str = ""
    query_columns: Mapping[str, str] = field(default_factory=dict)
    same: str = ""
    tune_on: str = ""
    model: str = DEFAULT_MODEL
    device: str = "auto"
    seed: int = 0
    baselines: bool = True


def run(config: RetrievalConfig, out: Path, progress: Progress) -> Mapping[str, Any]:
    """Measures, and writes config.json, metrics.json, report.md, ranks.parquet and the engine's own files.

    Returns:
        What metrics.json holds.

    Raises:
        UsageError: options that do not go together.
        CatalogError: the catalog or the queries cannot be read.
    """
    if config.queries and config.same:
        raise UsageError("give either --queries or --same")
    task = _task(config, out)
    encoder = ProductEncoder.from_pretrained(config.model, config.device)
    ranks = {OURS: _engine_ranks(config, task, out, encoder, progress)}
    progress("comparing joint cosines")
    ranks[JOINT] = _ranks(_joint_cosines(task, out, encoder), task)
    if config.baselines:
        ranks |= _baseline_ranks(config, task, out, progress)
    methods = {method: {f"recall@{k}": recall_at(of, k) for k in KS} for method, of in ranks.items()}
    name = "same" if config.same else "queries" if config.queries else "relisted"
    asked, gallery = len(task.query_ids), len(task.products)
    described = describe_run("retrieval", config, encoder.stamp, task=name, queries=asked, gallery=gallery)
    _write_ranks(out / "ranks.parquet", task, ranks)
    summary = f"{asked:,} listings ({SUMMARY[name]}), each to be found among {gallery:,}."
    return write_run(out, described, methods, _by_edit(task, ranks), summary)


def _task(config: RetrievalConfig, out: Path) -> Task:
    out.mkdir(parents=True, exist_ok=True)
    batches = list(first_batches(config.catalog, None))
    if config.same:
        return same_task(batches, config.same)
    if config.queries:
        return queries_task(batches, config.queries, config.query_columns, out / "queries.parquet")
    return relisted_task(batches, out / "queries.parquet", config.seed)


def _engine_ranks(
    config: RetrievalConfig, task: Task, out: Path, encoder: ProductEncoder, progress: Progress
) -> Ranks:
    """(Q,) by the engine's own ranking; `MISSING` where no right answer is among the first `max(KS)`."""
    progress("embedding the catalog")
    embed_catalog(config.catalog, out / "store", encoder, EmbedConfig(), lambda rows, rejected: None)
    progress("asking the engine")
    build_index_folder(out / "store", out / "index")
    engine = Engine.open(out / "index", config.model, config.device)
    results = out / "results.parquet"
    if task.queries is None:
        found = [engine.search(id=id, k=max(KS)) for id in task.query_ids]
        rows = [(result.query_id, hit.rank, hit.id, hit.score) for result in found for hit in result.hits]
        pq.write_table(pa.table(list(zip(*rows, strict=True)), schema=RESULTS), results)
    else:
        search_file(
            engine,
            str(task.queries),
            results,
            BatchConfig(max(KS)),
            lambda reject: None,
            lambda rows: None,
        )
    right = {
        id: {task.products[row].id for row in rows}
        for id, rows in zip(task.query_ids, task.right, strict=True)
    }
    best = dict.fromkeys(task.query_ids, MISSING)
    for hit in pq.read_table(results, columns=["query_id", "rank", "id"]).to_pylist():
        if hit["id"] in right[hit["query_id"]]:
            best[hit["query_id"]] = min(best[hit["query_id"]], hit["rank"])
    return np.array([best[id] for id in task.query_ids])


def _baseline_ranks(config: RetrievalConfig, task: Task, out: Path, progress: Progress) -> dict[str, Ranks]:
    """(Q,) for each baseline, by exact cosine with the whole gallery."""
    weight = _tuned_weight(config, out, progress) if config.tune_on else None
    progress("embedding for the baselines")
    gallery = embed_baselines(task.gallery, weight)
    if task.queries is None:
        asked = {name: vectors[task.own] for name, vectors in gallery.items()}
    else:
        asked = embed_baselines(task.asked, weight)
    ranks = {name: _ranks(_cosines(asked[name], gallery[name]), task) for name in gallery if name in asked}
    if TITLE in gallery and TITLE in asked:
        scores = tfidf_scores(task.asked.titles, task.gallery.titles)
        ranks[TFIDF] = _ranks(iter(scores), task)
    return ranks


def _tuned_weight(config: RetrievalConfig, out: Path, progress: Progress) -> float | None:
    """What the picture should count in the weighted baseline, by recall@1 of a relisting of `tune_on`."""
    progress("tuning the weighted baseline")
    batches = list(first_batches(CatalogConfig(config.tune_on), TUNED_ROWS))
    task = relisted_task(batches, out / "tuning.parquet", config.seed)
    gallery, asked = embed_baselines(task.gallery), embed_baselines(task.asked)
    if BOTH not in gallery or BOTH not in asked:
        raise UsageError(f"--tune-on {config.tune_on}: it needs titles and pictures")

    def recall(weight: float) -> float:
        scores = _cosines(concatenated(asked, weight), concatenated(gallery, weight))
        return recall_at(_ranks(scores, task), 1).value

    return max(IMAGE_WEIGHTS, key=recall)


def _ranks(scores: Iterator[Floats], task: Task) -> Ranks:
    listed = zip(scores, task.right, task.own, strict=True)
    return np.array([rank_of_right(score, right, int(own)) for score, right, own in listed])


def _cosines(asked: Floats, gallery: Floats) -> Iterator[Floats]:
    """(N,) for each of the Q."""
    for start in range(0, len(asked), BLOCK):
        yield from asked[start : start + BLOCK] @ gallery.T


def _joint_cosines(task: Task, out: Path, encoder: ProductEncoder) -> Iterator[Floats]:
    stored = [batch["embedding"] for batch in open_embedded(out / "store").batches()]
    gallery = np.concatenate([vectors.flatten().to_numpy() for vectors in stored]).reshape(-1, encoder.dim)
    if task.queries is None:
        return _cosines(gallery[task.own], gallery)
    return _cosines(encoder.encode(task.asked.titles, task.asked.images), gallery)


def _by_edit(task: Task, ranks: Mapping[str, Ranks]) -> dict[str, dict[str, Interval]]:
    """recall@1 of ours and of the best baseline, by edit, for a task that made edits."""
    baselines = [method for method in ranks if method not in (OURS, JOINT)]
    if not task.edits or not baselines:
        return {}
    best = max(baselines, key=lambda method: recall_at(ranks[method], 1).value)
    named = [_names(words, picture) for words, picture in task.edits]
    table: dict[str, dict[str, Interval]] = {}
    for edit in sorted({name for names in named for name in names}):
        rows = np.array([edit in names for names in named])
        table[edit] = {method: recall_at(ranks[method][rows], 1) for method in (OURS, best)}
    return table


def _names(words: str, picture: str) -> Sequence[str]:
    made = [
        *(f"words: {name}" for name in words.split("+")),
        *(f"picture: {name}" for name in picture.split("+")),
    ]
    count = sum(len(edits.split("+")) for edits in (words, picture) if edits)
    return [f"{count} edits", *(name for name in made if not name.endswith(": "))]


def _write_ranks(path: Path, task: Task, ranks: Mapping[str, Ranks]) -> None:
    columns = {
        method: pa.array(of, pa.int64(), mask=of == MISSING, from_pandas=False)
        for method, of in ranks.items()
    }
    pq.write_table(pa.table({"query_id": list(task.query_ids), **columns}), path)
