"""Measures deciding without labels on every set, beside label-free rules.

    python -m benchmarks.decide_trial DATA --cache DIR [--only NAME ...] [--labels 100]

DATA is laid out as `python -m benchmarks.figures` wants it; what is embedded is kept in DIR.
"""

from __future__ import annotations

import argparse
import csv
import re
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
from itemsearch.duplicates.linkage import components

from benchmarks.baselines import tfidf_vectors
from benchmarks.decide_sets import (
    GENERAL_AGAIN,
    TEST_AGAIN,
    TRAIN_PRODUCTS,
    Compared,
    Pool,
    compare,
    pools,
)
from itemsearch.embed.encoder import ProductEncoder
from itemsearch.probability import Fitted, Pairs, estimate, fit, refine, threshold_for

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Mask = npt.NDArray[np.bool_]

MIN_PRECISION, REVIEW = 0.95, 0.25
BINS, LEAST = 10, 0.01
MARGIN = 1.0
COSINE = 0.9


def catalogs(made: dict[str, Pool]) -> dict[str, tuple[Pool, bool]]:
    """Each catalog, and whether its sellers are compared with each other alone."""
    general, test = made["general"], made["fashion-test"]
    shop = len(general.titles) - GENERAL_AGAIN
    return {
        "abt-buy": (made["abt-buy"], True),
        "amazon-google": (made["amazon-google"], True),
        "general": (general, False),
        "general, nothing planted": (general.take(np.arange(shop)), False),
        "fashion/test, two sellers": (_two_sellers(test, len(test.titles) - TEST_AGAIN, 0), True),
        "fashion/test, all pairs": (test, False),
        "drawn": (made["drawn"], False),
        "drawn, across": (made["drawn"], True),
        **_training(made["fashion-train"]),
    }


def _training(pool: Pool) -> dict[str, tuple[Pool, bool]]:
    rng = np.random.default_rng(2)
    again = np.arange(TRAIN_PRODUCTS, len(pool.titles))
    once = again[np.unique(pool.product[again], return_index=True)[1]]
    found = {}
    for share in (0.0, 0.05, 0.5):
        rows = np.concatenate(
            [np.arange(TRAIN_PRODUCTS), rng.permutation(once)[: int(TRAIN_PRODUCTS * share)]]
        )
        found[f"fashion/train, {share:g} again"] = (pool.take(rows), False)
    return found


def _two_sellers(pool: Pool, shop: int, seed: int) -> Pool:
    """The first `shop` listings, those listed again by one seller and as many others; the rest by another."""
    rng = np.random.default_rng(seed)
    again = np.isin(pool.product[:shop], pool.product[shop:])
    seller = np.ones(len(pool.titles), np.int64)
    seller[:shop] = np.where(again, 0, rng.permutation(shop) % 2)
    return pool.take(np.arange(len(pool.titles)), seller)


def decide(compared: Compared, across: bool, columns: Sequence[Ints] = ()) -> Fitted:
    """columns: (P,) levels of agreement beside what the variant guard says."""
    pieces = np.column_stack([compared.joint, compared.features])
    pairs = Pairs.from_scores(
        len(compared.product),
        compared.a,
        compared.b,
        compared.score,
        pieces,
        compared.conflict,
        levels=np.column_stack(columns) if columns else None,
    )
    return fit(pairs, across)


def agreement(path: Path, compared: Compared) -> list[Ints]:
    """Levels of the columns of a linkage file: price near or not, maker equal, alike or not."""
    with path.open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    price = np.array([float(re.sub(r"[^0-9.]", "", row["price"] or "") or 0) for row in rows])
    one, two = price[compared.a], price[compared.b]
    off = abs(np.log(np.where(one > 0, one, 1)) - np.log(np.where(two > 0, two, 1)))
    found = [np.where((one > 0) & (two > 0), (off < 0.5).astype(np.int64) + (off < 0.1), -1)]
    makers = [set((row.get("manufacturer") or "").lower().split()) for row in rows]
    levels = []
    for a, b in zip(compared.a.tolist(), compared.b.tolist(), strict=True):
        known = makers[a] and makers[b]
        levels.append(int(bool(makers[a] & makers[b])) + (makers[a] == makers[b]) if known else -1)
    return [*found, np.array(levels, np.int64)]


def prf(chosen: Mask, compared: Compared) -> tuple[float, float, float]:
    right = int((chosen & compared.same).sum())
    precision, recall = right / max(int(chosen.sum()), 1), right / max(compared.true, 1)
    return precision, recall, 2 * precision * recall / max(precision + recall, 1e-12)


def calibration_error(probability: Floats, same: Mask) -> float:
    """Of pairs of probability `LEAST` or more, in tenths: the millions below would make any figure small."""
    kept = probability >= LEAST
    sure, right = probability[kept], same[kept]
    place = np.minimum((sure * BINS).astype(np.int64), BINS - 1)
    off = [abs(float(sure[place == bin].sum() - right[place == bin].sum())) for bin in range(BINS)]
    return sum(off) / max(len(sure), 1)


def best_margin(alike: Floats, compared: Compared) -> Floats:
    """(P,) how far each pair is above the best other one of either listing."""
    count = len(compared.product)
    ends, values = np.concatenate([compared.a, compared.b]), np.tile(alike, 2)
    order = np.lexsort((-values, ends))
    ends, values = ends[order], values[order]
    first = np.diff(ends, prepend=-1) > 0
    second = np.roll(first, 1) & ~first
    best, following = np.full(count, -np.inf), np.full(count, -np.inf)
    best[ends[first]], following[ends[second]] = values[first], values[second]
    rivals = [np.where(alike == best[side], following[side], best[side]) for side in (compared.a, compared.b)]
    margin: Floats = alike - np.maximum(rivals[0], rivals[1])
    return margin


def rules(compared: Compared, pool: Pool) -> dict[str, Mask]:
    """Baselines without labels: pairs that each would take."""
    odds = np.log(np.clip(compared.score, 1e-6, 1 - 1e-6) / (1 - np.clip(compared.score, 1e-6, 1 - 1e-6)))
    margin = best_margin(odds, compared)
    fixed = compared.joint >= COSINE
    linked = components(len(compared.product), compared.a[fixed], compared.b[fixed])
    vectors = tfidf_vectors(pool.titles)
    lexical = np.asarray(vectors[compared.a].multiply(vectors[compared.b]).sum(axis=1)).ravel()
    return {
        "mutual best": margin > 0,
        "mutual best, margin": margin > MARGIN,
        "cosine .9": fixed,
        "components": linked[compared.a] == linked[compared.b],
        "TF-IDF mutual best": best_margin(lexical.astype(np.float64), compared) > 0,
    }


def line(name: str, compared: Compared, fitted: Fitted, seconds: float) -> str:
    sure = fitted.probability
    eligible = ~compared.conflict  # what the guard calls a variant is never automatic
    least = threshold_for(sure[eligible], MIN_PRECISION)
    chosen = eligible & (sure >= (2.0 if least is None else least))
    half, auto, review = (prf(mask, compared) for mask in (sure >= 0.5, chosen, chosen | (sure >= REVIEW)))
    promised = estimate(sure * eligible, 2.0 if least is None else least, fitted.model.curve.labels)
    said = promised.precision
    return (
        f"{name:28} F1 {half[2]:.3f} ({half[0]:.3f}/{half[1]:.3f})  sure {int(chosen.sum()):5d} "
        f"{auto[0]:.3f}/{auto[1]:.3f} said {said.value:.3f} [{said.low:.2f}, {said.high:.2f}] / "
        f"{promised.recall.value:.3f}  review {review[0]:.3f}/{review[1]:.3f} "
        f"({int((chosen | (sure >= REVIEW)).sum())})  ece {calibration_error(sure, compared.same):.3f}  "
        f"expected {sure.sum():.0f} of {compared.true}  {seconds:.1f} s"
    )


def labelled(fitted: Fitted, compared: Compared, count: int, seed: int = 0) -> Fitted:
    """As after a review of the most doubtful, mixed with a random sample of what is offered."""
    rng = np.random.default_rng(seed)
    offered = np.flatnonzero(fitted.probability >= 0.05)
    doubtful = offered[np.argsort(abs(fitted.probability[offered] - 0.5))[: count // 2]]
    drawn = rng.permutation(np.setdiff1d(offered, doubtful))[: count - len(doubtful)]
    asked = np.concatenate([doubtful, drawn])
    return fitted.with_curve(refine(fitted, asked, compared.same[asked]))


def main(report: Callable[[str], None] = print) -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.decide_trial")
    parser.add_argument("data", type=Path)
    parser.add_argument("--cache", type=Path, required=True)
    parser.add_argument("--only", nargs="*", default=[])
    parser.add_argument("--labels", type=int, default=100)
    arguments = parser.parse_args()
    encoder = ProductEncoder.from_pretrained(device="cpu")
    names = ["abt-buy", "amazon-google", "general", "fashion-test", "drawn", "fashion-train"]
    made = pools(arguments.data, arguments.cache, encoder, names)
    for name, (pool, across) in catalogs(made).items():
        if arguments.only and name not in arguments.only:
            continue
        compared = compare(pool, encoder, across)
        start = time.monotonic()
        fitted = decide(compared, across)
        report(line(name, compared, fitted, time.monotonic() - start))
        path = arguments.data / f"linkage/{name}.csv"
        if path.exists():
            more = decide(compared, across, agreement(path, compared))
            report(line("  with its columns", compared, more, 0))
        refined = labelled(fitted, compared, arguments.labels)
        report(line(f"  with {arguments.labels} labels", compared, refined, 0))
        for rule, chosen in rules(compared, pool).items():
            precision, recall, f1 = prf(chosen, compared)
            report(f"  {rule:26} F1 {f1:.3f} ({precision:.3f}/{recall:.3f})")


if __name__ == "__main__":
    main()
