"""Says what a run without groups compared, and what to try next."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from itemsearch.duplicates.pairs.decide import REVIEW
from itemsearch.duplicates.types import Decision


@dataclass(frozen=True, slots=True)
class NothingFound:
    """happened: sentences. tries: what may find more, the likeliest first; each a sentence and a command, ""
    for none."""

    happened: tuple[str, ...]
    tries: tuple[tuple[str, str], ...]

    @classmethod
    def of_run(cls, run: Mapping[str, Any]) -> NothingFound:
        """Of what `run.json` says."""
        report, limits = run.get("report", {}), run.get("thresholds", {})
        pairs = report.get("pairs", {})
        happened = []
        if report:
            happened.append(
                f"{report['joined']:,} listings were read, and {report['compared']:,} pairs of them compared."
            )
        least = limits.get("review", REVIEW)
        happened.append(
            f"A pair is shown from a probability of {least:g} on; variants aside, none reached it."
        )
        rejected = pairs.get(Decision.REJECTED, 0)
        if rejected:
            happened.append(f"People decided of {rejected:,} pairs that they are different.")
        return cls(tuple(happened), tuple(_tries(run, pairs.get(Decision.VARIANT, 0))))


def _tries(run: Mapping[str, Any], variants: int) -> list[tuple[str, str]]:
    filter = run.get("settings", {}).get("join", {}).get("filter", {})
    tries = []
    if filter.get("where") or filter.get("other"):
        options = " ".join(f'--{name} "{filter[name]}"' for name in ("where", "other") if filter.get(name))
        tries.append(("Only part of the pairs was compared; leave this out:", options))
    if variants:
        tries.append(
            (
                f"{variants:,} pairs are variants, alike but for a size, a colour or such. Where that is no "
                "difference to you, say which:",
                "--ignore-variant colour",
            )
        )
    return [
        *tries,
        ("See whether the titles and pictures were read as you mean them:", "itemsearch check CATALOG"),
        (
            "Name columns that tell products apart, or say that they are one:",
            "--identifier sku --compare colour",
        ),
        (
            "Take two listings that you know are one product, and read why they are no pair:",
            "itemsearch explain DUPLICATES ID ID",
        ),
        (
            "Label ten pairs or more, and let it learn from them:",
            "itemsearch calibrate INDEX --labels labels.csv",
        ),
    ]
