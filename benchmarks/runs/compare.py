"""`itemsearch benchmark compare`: paired differences of two runs of the same queries, and limits on them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from itemsearch.benchmarks.data.predictions import PREDICTIONS, Predictions, QueryFacts
from itemsearch.benchmarks.metrics.bootstrap import Figures, number, resample_figures
from itemsearch.benchmarks.reports.page import read_description
from itemsearch.errors import GateError, UsageError


@dataclass(frozen=True, slots=True)
class Limit:
    """A limit that the difference of a figure must not fall below."""

    figure: str
    least: float

    @classmethod
    def parse(cls, text: str) -> Limit:
        """Reads FIGURE:NUMBER.

        Raises:
            UsageError: the text is not of that form.
        """
        figure, _, least = text.rpartition(":")
        try:
            return cls(figure, float(least))
        except ValueError:
            raise UsageError(f"--fail-if {text!r}: write FIGURE:DIFFERENCE, as in recall@10:-0.01") from None


Differences = dict[str, Figures]
"""Gallery to method to figure to the interval of the second run's minus the first's."""


def run(first: Path, second: Path) -> Differences:
    """The paired differences of all figures of the methods that both runs have.

    Raises:
        CatalogError: a folder is no finished run, or its predictions are damaged.
        UsageError: the runs have no method in common, or have different queries.
    """
    seed = read_description(first)["options"]["seed"]
    read_description(second)  # raises for an unfinished run
    before, after = (Predictions.open(folder / PREDICTIONS) for folder in (first, second))
    differences: Differences = {}
    for gallery in before.row_groups:
        methods = [method for method in before.methods(gallery) if method in after.methods(gallery)]
        if not methods:
            continue
        queries = before.query_facts(gallery)
        _check_same_queries(queries, after.query_facts(gallery), first, second)
        products = number(queries.products)
        differences[gallery] = {}
        for method in methods:
            answers = {"old": before.answers(gallery, method), "new": after.answers(gallery, method)}
            resampled = resample_figures(answers, products, seed)
            differences[gallery][method] = {
                name: (figure - resampled["old"][name]).interval for name, figure in resampled["new"].items()
            }
    if not differences:
        raise UsageError(f"{first} and {second}: no method is in both runs")
    return differences


def plain(differences: Differences) -> dict[str, dict[str, dict[str, dict[str, float]]]]:
    """The differences as JSON."""
    return {
        gallery: {
            method: {name: asdict(change) for name, change in figures.items()}
            for method, figures in methods.items()
        }
        for gallery, methods in differences.items()
    }


def check(differences: Differences, method: str, limits: Sequence[Limit]) -> None:
    """Checks the differences of a method in the first gallery against limits.

    Raises:
        GateError: a difference is below its limit.
        UsageError: no such method or figure.
    """
    gallery, methods = next(iter(differences.items()))
    if limits and method not in methods:
        raise UsageError(f"--method {method!r} is not in both runs; {', '.join(methods)} are")
    for limit in limits:
        if limit.figure not in methods[method]:
            raise UsageError(f"--fail-if: no figure {limit.figure!r}; there are {', '.join(methods[method])}")
        change = methods[method][limit.figure]
        if change.value < limit.least:
            raise GateError(
                f"{limit.figure} of {method}, {gallery}: {change.signed()}, below {limit.least:+g}"
            )


def _check_same_queries(before: QueryFacts, after: QueryFacts, first: Path, second: Path) -> None:
    if list(before.query_ids) != list(after.query_ids) or list(before.right_ids) != list(after.right_ids):
        raise UsageError(
            f"{first} and {second} have different queries ({len(before.query_ids):,} and "
            f"{len(after.query_ids):,}): compare runs of the same catalog, queries and seed"
        )
