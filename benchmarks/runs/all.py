"""`itemsearch benchmark all`: every benchmark on one catalog, with their main tables in one report."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from itemsearch.benchmarks.reports.all_report import CATEGORY, EMBED, INDEX, PAIRS, RETRIEVAL, report
from itemsearch.benchmarks.reports.failures import STORE
from itemsearch.benchmarks.reports.page import describe_run, read_description, write_description
from itemsearch.benchmarks.runs import category, embed, index, pairs, retrieval
from itemsearch.catalog import CatalogConfig
from itemsearch.embed.model_folder import DEFAULT_MODEL
from itemsearch.indexes.progress import Progress
from itemsearch.store.reader import open_embedded

EMBEDDED_ROWS = 1024
"""Rows of the catalog that the speed of embedding is measured on."""


@dataclass(frozen=True, slots=True)
class AllConfig:
    """The options are those of the benchmarks."""

    catalog: CatalogConfig
    same: str = ""
    other: str = ""
    tune_on: str = ""
    models: tuple[str, ...] = (DEFAULT_MODEL,)
    device: str = "auto"
    seed: int = 0
    baselines: bool = True
    others: tuple[str, ...] = ()


def run(config: AllConfig, out: Path, progress: Progress) -> Mapping[str, Any]:
    """Runs each benchmark into a folder of `out`, and writes config.json, metrics.json and the report there.

    Returns:
        The content of metrics.json.

    Raises:
        UsageError: options exclude each other, or the catalog is too small.
        CatalogError: a catalog cannot be read.
    """
    finished = []
    for name, start in _benchmarks(config, out, progress):
        progress(f"{name}:")
        start()
        finished.append(name)
    summary = f"{config.catalog.path}: {', '.join(finished)}."
    if CATEGORY not in finished:
        summary += " The catalog has fewer than two categories, so that none are predicted."
    described = describe_run("all", config, None, summary)
    write_description(out, {**described, "model": read_description(out / RETRIEVAL)["model"]})
    return report(out)


def _benchmarks(
    config: AllConfig, out: Path, progress: Progress
) -> Iterator[tuple[str, Callable[[], Mapping[str, Any]]]]:
    """The name and the run of each benchmark, to be run in turn: later ones read the store of the first."""
    # Options that are named alike in several benchmarks.
    of_all: dict[str, Any] = {"device": config.device, "seed": config.seed, "baselines": config.baselines}
    of_several_models: dict[str, Any] = {**of_all, "models": config.models, "others": config.others}
    for_retrieval = retrieval.RetrievalConfig(
        config.catalog, same=config.same, tune_on=config.tune_on, **of_several_models
    )
    yield RETRIEVAL, lambda: retrieval.run(for_retrieval, out / RETRIEVAL, progress)
    store = out / RETRIEVAL / STORE
    if _count_categories(store) > 1:
        for_category = category.CategoryConfig(config.catalog, group=config.same, **of_several_models)
        yield CATEGORY, lambda: category.run(for_category, out / CATEGORY, progress)
    model = config.models[0]
    for_pairs = pairs.PairsConfig(config.catalog, same=config.same, other=config.other, model=model, **of_all)
    yield PAIRS, lambda: pairs.run(for_pairs, out / PAIRS, progress)
    for_index = index.IndexBenchConfig(store, seed=config.seed)
    yield INDEX, lambda: index.run(for_index, out / INDEX, progress)
    for_embed = embed.EmbedBenchConfig(replace(config.catalog, rows=EMBEDDED_ROWS), model, config.device)
    yield EMBED, lambda: embed.run(for_embed, out / EMBED, progress)


def _count_categories(store: Path) -> int:
    """The number of distinct categories of the listings of a store."""
    names = {name for batch in open_embedded(store).batches() for name in batch["category"].to_pylist()}
    return len(names - {None})
