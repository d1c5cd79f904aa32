"""Every benchmark on one catalog, and their main tables in one report: `itemsearch benchmark all`."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from itemsearch.benchmarks.data.relist import SELLER
from itemsearch.benchmarks.reports.all_report import CATEGORY, EMBED, INDEX, PAIRS, RETRIEVAL, report
from itemsearch.benchmarks.reports.failures import STORE
from itemsearch.benchmarks.reports.page import describe_run, read_description, write_description
from itemsearch.benchmarks.runs import category, embed, index, retrieval
from itemsearch.benchmarks.runs import pairs as groups
from itemsearch.catalog import CatalogConfig
from itemsearch.embed.encoder import DEFAULT_MODEL
from itemsearch.store.reader import open_embedded

EMBEDDED_ROWS = 1024
"""Of the catalog, for the speed of embedding."""

Progress = Callable[[str], None]
Part = tuple[str, Callable[[], Mapping[str, Any]]]
"""The name of a benchmark, and its run."""


@dataclass(frozen=True, slots=True)
class SuiteConfig:
    """calibrate_on: other products, for `pairs`; None leaves that out. The rest is as in each benchmark."""

    catalog: CatalogConfig
    calibrate_on: CatalogConfig | None = None
    same: str = ""
    other: str = SELLER
    tune_on: str = ""
    models: tuple[str, ...] = (DEFAULT_MODEL,)
    device: str = "auto"
    seed: int = 0
    baselines: bool = True
    others: tuple[str, ...] = ()


def run(config: SuiteConfig, out: Path, progress: Progress) -> Mapping[str, Any]:
    """Runs them into folders of `out`, and writes config.json, metrics.json, report.md and report.html there.

    Returns:
        What metrics.json holds.

    Raises:
        UsageError: options that do not go together, or a catalog that is too small.
        CatalogError: a catalog cannot be read.
    """
    ran = []
    for name, start in _parts(config, out, progress):
        progress(f"{name}:")
        start()
        ran.append(name)
    summary = f"{config.catalog.path}: {', '.join(ran)}."
    if CATEGORY not in ran:
        summary += " It has fewer than two categories, so that none are predicted."
    if PAIRS not in ran:
        summary += " Groups of duplicates need --calibrate-on, a catalog of other products."
    described = describe_run("all", config, None, summary)
    write_description(out, {**described, "model": read_description(out / RETRIEVAL)["model"]})
    return report(out)


def _parts(config: SuiteConfig, out: Path, progress: Progress) -> Iterator[Part]:
    """One after another: what comes later looks at what was made before."""
    usual: dict[str, Any] = {"device": config.device, "seed": config.seed, "baselines": config.baselines}
    several: dict[str, Any] = {**usual, "models": config.models, "others": config.others}
    asked = retrieval.RetrievalConfig(config.catalog, same=config.same, tune_on=config.tune_on, **several)
    yield RETRIEVAL, lambda: retrieval.run(asked, out / RETRIEVAL, progress)
    store = out / RETRIEVAL / STORE
    if _categories(store) > 1:
        predicted = category.CategoryConfig(config.catalog, group=config.same, **several)
        yield CATEGORY, lambda: category.run(predicted, out / CATEGORY, progress)
    model = config.models[0]
    if config.calibrate_on is not None:
        grouped = groups.PairsConfig(
            config.catalog, config.calibrate_on, config.same, config.other, model=model, **usual
        )
        yield PAIRS, lambda: groups.run(grouped, out / PAIRS, progress)
    searched = index.IndexBenchConfig(store, seed=config.seed)
    yield INDEX, lambda: index.run(searched, out / INDEX, progress)
    timed = embed.EmbedBenchConfig(replace(config.catalog, rows=EMBEDDED_ROWS), model, config.device)
    yield EMBED, lambda: embed.run(timed, out / EMBED, progress)


def _categories(store: Path) -> int:
    """Different categories of the products of a store."""
    found = {name for batch in open_embedded(store).batches() for name in batch["category"].to_pylist()}
    return len(found - {None})
