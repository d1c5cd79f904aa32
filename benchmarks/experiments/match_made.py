"""Matches a feed of made listings as `itemsearch match` does, with the made encoder in place of a model.

    python -m itemsearch.benchmarks.experiments.match_made INDEX FEED --out FILE [--seed 0]

`duplicates_scale` runs it in a process of its own to measure what matching costs beside embedding.
"""

from __future__ import annotations

import argparse
import json
from dataclasses import asdict
from functools import cached_property
from pathlib import Path

from itemsearch.benchmarks.data.made_listings import MadeEncoder
from itemsearch.catalog import CatalogConfig
from itemsearch.indexes.progress import silent
from itemsearch.matching.feed import match_feed
from itemsearch.matching.matcher import MatchConfig
from itemsearch.search.engine import Engine


class MadeEngine(Engine):
    """An engine of made listings."""

    @cached_property
    def encoder(self) -> MadeEncoder:  # type: ignore[override]
        """Embeds as the index was embedded."""
        return MadeEncoder(0)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m itemsearch.benchmarks.experiments.match_made")
    parser.add_argument("index", type=Path)
    parser.add_argument("feed")
    parser.add_argument("--out", type=Path, required=True)
    arguments = parser.parse_args()
    report = match_feed(
        MadeEngine.open(arguments.index),
        CatalogConfig(arguments.feed),
        arguments.out,
        MatchConfig(),
        lambda reject: None,
        silent,
    )
    print(json.dumps(asdict(report)))


if __name__ == "__main__":
    main()
