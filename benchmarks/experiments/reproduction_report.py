"""The reproduction's tables and plots, from what was measured of each variant."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from itemsearch.benchmarks.experiments.ablation_variants import OBJECTIVES
from itemsearch.benchmarks.experiments.reproduction_exam import ASKED, WHITENED
from itemsearch.benchmarks.experiments.reproduction_measure import FOLLOWS, PLACES, RESULT
from itemsearch.benchmarks.experiments.reproduction_variants import (
    BOTH,
    PICTURE,
    TITLE,
    ReproductionSettings,
    folder_of,
    streams,
)
from itemsearch.benchmarks.metrics.bootstrap import Interval, Resampled, resample_means
from itemsearch.benchmarks.metrics.ranked import KS
from itemsearch.benchmarks.reports.page import ReportTable, markdown_table
from itemsearch.benchmarks.reports.plots import save_curves
from itemsearch.indexes.arrays import Doubles

CATEGORY = ("linear accuracy", "linear macro-F1", "10-NN accuracy", "10-NN macro-F1")
Results = Mapping[str, Mapping[str, Any]]
Resamples = Mapping[str, Mapping[str, Resampled]]


def write_report(settings: ReproductionSettings, out: Path) -> None:
    """Makes reproduction.md, reproduction.json and plots/ of the variants that were measured."""
    measured = [name for name in streams(settings.config) if (folder_of(out, name) / RESULT).exists()]
    results = {name: json.loads((folder_of(out, name) / RESULT).read_text()) for name in measured}
    figures = {name: resampled(folder_of(out, name) / PLACES) for name in measured}
    plain = {
        name: {**result, "figures": {of: asdict(figure.interval) for of, figure in figures[name].items()}}
        for name, result in results.items()
    }
    held = {"settings": asdict(settings), "variants": plain}
    (out / "reproduction.json").write_text(json.dumps(held, indent=1))
    (out / "reproduction.md").write_text(markdown(settings, results, figures), "utf-8")
    save_plots(out, results)


def resampled(places: Path) -> dict[str, Resampled]:
    """recall at each of `KS` by way of asking, as "title alone @5", and how often the picture is followed."""
    values: dict[str, np.ndarray] = {}
    with np.load(places) as held:
        for way in (way for way in (*ASKED, *WHITENED.values()) if way in held):
            values |= {f"{way} @{k}": (held[way] <= k).astype(float) for k in KS}
        if FOLLOWS in held:
            values[FOLLOWS] = held[FOLLOWS]
    return resample_means(values, np.arange(len(next(iter(values.values())))))


def markdown(settings: ReproductionSettings, results: Results, figures: Resamples) -> str:
    """Every table, each with a line that says what it holds."""
    train = settings.config.train
    steps = sorted({result["step"] for name, result in results.items() if name != "untrained"})
    reached = " to ".join(str(step) for step in dict.fromkeys((steps[0], steps[-1]))) if steps else "0"
    parts = [
        f"{settings.rows:,} products at most, listed again, each to be found among all by the cosine of "
        f"[CLS]. {reached} of {train.steps} steps of {train.batch_size} products. 95% intervals by "
        "bootstrap.\n",
        "recall@1; the last two look among whole listings, the others among listings seen as the query is.\n",
        _table(["variant", "steps", *ASKED], _with_steps(results, _recall_rows(figures, ASKED, (1,)))),
        "\nrecall@1 of [CLS] whitened: every direction in which the products differ counts alike.\n",
        _table(["variant", *WHITENED], _recall_rows(figures, WHITENED.values(), (1,))),
        "\nrecall@5 and recall@10.\n",
        _table(
            ["variant", *(f"{way} @{k}" for way in (BOTH, TITLE, PICTURE) for k in KS[1:])],
            _recall_rows(figures, (BOTH, TITLE, PICTURE), KS[1:]),
        ),
        "\nrecall@1 of the full stream minus the variant's, on the same products.\n",
        _table(["variant", *ASKED, *WHITENED.values()], _difference_rows(figures)),
        "\nLeaf category from the frozen [CLS].\n",
        _table(["variant", *CATEGORY], _category_rows(results)),
        "\nListening. follows picture: how often a listing of one product's title and another's picture is "
        "nearer to the picture's. gradient: the share that reaches the patches, of the embedding and of the "
        "losses' total. attention: what [CLS] pays to words / patches in each layer. alike: the mean cosine "
        "of two products. directions: over how many they are spread.\n",
        _table(_LISTENING, _listening_rows(results, figures)),
        "\nLosses on held-out products; trivial: of predictors that look at nothing of the product.\n",
        _table(["variant", "after steps", *OBJECTIVES], _loss_rows(results)),
    ]
    return "\n".join([*parts, ""])


def save_plots(out: Path, results: Results) -> None:
    """recall@1 on watched products by step, for each modality; attention to patches by layer."""
    curves: dict[str, dict[str, tuple[Doubles, Doubles]]] = {BOTH: {}, TITLE: {}, PICTURE: {}}
    for name in results:
        log = folder_of(out, name) / "watched.jsonl"
        lines = [json.loads(line) for line in log.read_text().splitlines()] if log.exists() else []
        for way, of_way in curves.items():
            points = np.array([(line["step"], line[way]) for line in lines if way in line], float)
            if len(points) > 1:
                of_way[name] = (points[:, 0], points[:, 1])
    for way, of_way in curves.items():
        if of_way:
            path = out / "plots" / f"recall-{way.replace(' ', '-')}"
            save_curves(path, of_way, ("step", f"recall@1 by {way}"), "o")
    attention = {
        name: result["listening"]["attention"] for name, result in results.items() if "listening" in result
    }
    layers = {
        name: (np.arange(1.0, len(rows) + 1), np.array([patches for _, _, patches in rows]))
        for name, rows in attention.items()
    }
    if layers:
        save_curves(out / "plots" / "attention", layers, ("layer", "attention of [CLS] to patches"), "o")


_LISTENING = [
    "variant",
    FOLLOWS,
    "gradient, embedding",
    "gradient, losses",
    "attention",
    "alike",
    "directions",
]


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    return "\n".join(markdown_table(ReportTable(list(head), list(rows))))


def _recall_rows(figures: Resamples, ways: Iterable[str], ks: Sequence[int]) -> list[list[str]]:
    names = [f"{way} @{k}" for way in ways for k in ks]
    return [
        [name, *(str(held[of].interval) if of in held else "" for of in names)]
        for name, held in figures.items()
    ]


def _with_steps(results: Results, rows: list[list[str]]) -> list[list[str]]:
    """The rows with the steps done after the name: variants in training are not all as far."""
    return [[name, str(results[name]["step"]), *cells] for name, *cells in rows]


def _difference_rows(figures: Resamples) -> list[list[str]]:
    full, names = figures.get("full", {}), [f"{way} @1" for way in (*ASKED, *WHITENED.values())]
    return [
        [
            name,
            *((full[of] - held[of]).interval.signed() if of in full and of in held else "" for of in names),
        ]
        for name, held in figures.items()
        if name != "full"
    ]


def _category_rows(results: Results) -> list[list[str]]:
    return [
        [name, *(str(Interval(**result["category"][of])) for of in CATEGORY)]
        for name, result in results.items()
    ]


def _listening_rows(results: Results, figures: Resamples) -> list[list[str]]:
    rows: list[list[str]] = []
    for name, result in results.items():
        spread = [f"{result['alike']:.3f}", f"{result['directions']:.1f}"]
        if "listening" not in result:
            rows.append([name, "", "", "", "", *spread])
            continue
        heard = result["listening"]
        layers = ", ".join(f"{words:.2f}/{patches:.2f}" for _, words, patches in heard["attention"])
        gradients = [f"{heard['embedding']:.3f}", f"{heard['losses']['loss']:.3f}"]
        rows.append([name, str(figures[name][FOLLOWS].interval), *gradients, layers, *spread])
    return rows


def _loss_rows(results: Results) -> list[list[str]]:
    trivial: Mapping[str, float] = next((r["trivial"] for r in results.values() if "trivial" in r), {})
    rows = [("trivial", trivial), *((name, result["held_out"]) for name, result in results.items())]
    return [
        [
            name,
            f"{held['step']:.0f}" if "step" in held else "",
            *(f"{held[of]:.3f}" if of in held else "" for of in OBJECTIVES),
        ]
        for name, held in rows
    ]
