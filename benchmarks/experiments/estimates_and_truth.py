"""Compares what `itemsearch duplicates` estimates with what is true, for a catalog whose truth is known.

    python -m itemsearch.benchmarks.experiments.estimates_and_truth FOLDER LABELS

FOLDER is what `itemsearch duplicates` wrote; LABELS is a CSV file with the columns id_a and id_b, or id and
group, as `itemsearch sample-catalog` writes it. All pairs that the labels do not name are two products.
"""

from __future__ import annotations

import argparse
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.csv as pc
import pyarrow.parquet as pq

from itemsearch.benchmarks.metrics.pair_truth import pair_truth, true_pairs, unordered
from itemsearch.duplicates.run_folder import PAIRS, read_run
from itemsearch.duplicates.types import Decision
from itemsearch.errors import CatalogError, ItemSearchError, ReviewError

TIERS: Mapping[str, Sequence[Decision]] = {
    "automatic": (Decision.DUPLICATE,),
    "with_review": (Decision.DUPLICATE, Decision.REVIEW),
}


def compare(folder: Path, labels: Path) -> str:
    """The table of estimated and true precision and recall of each tier, as text.

    Raises:
        ReviewError: the folder has no result of `itemsearch duplicates`.
        CatalogError: the labels cannot be read.
    """
    run, pairs, truth = _read_run(folder), _read_pairs(folder), true_pairs(_read_csv(labels), str(labels))
    lines = [f"{'tier':<12} {'':<10} {'estimated':<22} true"]
    for tier, decisions in TIERS.items():
        chosen = [pair for pair in pairs if pair["decision"] in decisions]
        figures = pair_truth(unordered((pair["id_a"], pair["id_b"]) for pair in chosen), truth)
        true = {
            "precision": f"{figures.precision:.3f} ({figures.right:,} of {figures.found:,} pairs)",
            "recall": f"{figures.recall:.3f} ({figures.right:,} of {figures.true:,} pairs)",
        }
        for name, value in true.items():
            lines.append(f"{tier.replace('_', ' '):<12} {name:<10} {_estimated(run, tier, name):<22} {value}")
    return "\n".join(lines)


def _estimated(run: Mapping[str, Any], tier: str, name: str) -> str:
    """An estimate of run.json with its interval; "-" where the run made none."""
    interval = run.get("report", {}).get("estimates", {}).get(tier, {}).get(name)
    if interval is None:
        return "-"
    return f"{interval['value']:.3f} ({interval['low']:.3f} to {interval['high']:.3f})"


def _read_run(folder: Path) -> Mapping[str, Any]:
    try:
        return read_run(folder)
    except (FileNotFoundError, ValueError) as error:
        raise ReviewError(f"{folder}: no result of `itemsearch duplicates` can be read: {error}") from error


def _read_pairs(folder: Path) -> list[dict[str, Any]]:
    try:
        table = pq.read_table(folder / PAIRS, columns=["id_a", "id_b", "decision"])
    except (OSError, pa.ArrowException) as error:
        raise ReviewError(f"{folder / PAIRS}: {error}; run `itemsearch duplicates` again") from error
    return list(table.to_pylist())


def _read_csv(path: Path) -> pa.Table:
    """The labels with every cell as text, so that 000040 stays 000040."""
    try:
        names = pc.open_csv(path).schema.names
        texts = pc.ConvertOptions(column_types=dict.fromkeys(names, pa.string()))
        return pc.read_csv(path, convert_options=texts)
    except (OSError, pa.ArrowException) as error:
        raise CatalogError(f"{path}: the labels cannot be read: {error}") from error


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m itemsearch.benchmarks.experiments.estimates_and_truth")
    parser.add_argument("folder", type=Path)
    parser.add_argument("labels", type=Path)
    arguments = parser.parse_args()
    try:
        print(compare(arguments.folder, arguments.labels))
    except ItemSearchError as error:
        parser.exit(error.exit_code, f"{parser.prog}: error: {error}\n")


if __name__ == "__main__":
    main()
