"""Two runs of the same queries: what the second does better or worse, and whether that passes a gate."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from itemsearch.benchmarks.data.predictions import PREDICTIONS, Asked, Predictions
from itemsearch.benchmarks.metrics.bootstrap import Interval, number
from itemsearch.benchmarks.metrics.scoring import resample
from itemsearch.benchmarks.reports.page import read_description
from itemsearch.errors import GateError, UsageError


@dataclass(frozen=True, slots=True)
class Limit:
    """What the difference of a figure must not be below."""

    figure: str
    least: float

    @classmethod
    def parse(cls, text: str) -> Limit:
        """
        Raises:
            UsageError: not FIGURE:NUMBER.
        """
        figure, _, least = text.rpartition(":")
        try:
            return cls(figure, float(least))
        except ValueError:
            raise UsageError(f"--fail-if {text!r}: write FIGURE:DIFFERENCE, as in recall@10:-0.01") from None


Differences = dict[str, dict[str, dict[str, Interval]]]
"""Gallery to method to figure to the second run's minus the first's."""


def run(first: Path, second: Path) -> Differences:
    """The paired differences of every figure of every method that both runs have.

    Raises:
        CatalogError: a folder is no finished run, or its predictions are damaged.
        UsageError: the runs have no method in common, or were not asked the same.
    """
    seed = read_description(first)["options"]["seed"]
    read_description(second)  # a run that is not finished has none
    before, after = (Predictions.open(folder / PREDICTIONS) for folder in (first, second))
    found: Differences = {}
    for gallery in before.groups:
        methods = [method for method in before.methods(gallery) if method in after.methods(gallery)]
        if not methods:
            continue
        asked = before.asked(gallery)
        _check_same(asked, after.asked(gallery), first, second)
        listings = number(asked.listings)
        found[gallery] = {}
        for method in methods:
            answers = {"old": before.answers(gallery, method), "new": after.answers(gallery, method)}
            drawn = resample(answers, listings, seed)
            found[gallery][method] = {
                name: (figure - drawn["old"][name]).interval for name, figure in drawn["new"].items()
            }
    if not found:
        raise UsageError(f"{first} and {second}: no method answered in both")
    return found


def plain(differences: Differences) -> dict[str, dict[str, dict[str, dict[str, float]]]]:
    """The differences as JSON holds them."""
    return {
        gallery: {
            method: {name: asdict(change) for name, change in figures.items()}
            for method, figures in methods.items()
        }
        for gallery, methods in differences.items()
    }


def check(differences: Differences, method: str, limits: Sequence[Limit]) -> None:
    """
    Args:
        method: the one that has to keep the limits, in the first gallery.

    Raises:
        GateError: a difference is below its limit.
        UsageError: no such method or figure.
    """
    gallery, methods = next(iter(differences.items()))
    if limits and method not in methods:
        raise UsageError(f"--method {method!r} did not answer in both runs; {', '.join(methods)} did")
    for limit in limits:
        if limit.figure not in methods[method]:
            raise UsageError(f"--fail-if: no figure {limit.figure!r}; there are {', '.join(methods[method])}")
        change = methods[method][limit.figure]
        if change.value < limit.least:
            raise GateError(
                f"{limit.figure} of {method}, {gallery}: {change.signed()}, below {limit.least:+g}"
            )


def _check_same(before: Asked, after: Asked, first: Path, second: Path) -> None:
    if list(before.query_ids) != list(after.query_ids) or list(before.right_ids) != list(after.right_ids):
        raise UsageError(
            f"{first} and {second} were not asked the same ({len(before.query_ids):,} and "
            f"{len(after.query_ids):,} queries): compare runs of one catalog, queries and seed"
        )
