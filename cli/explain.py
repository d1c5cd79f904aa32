"""itemsearch explain: why two listings are, or are not, duplicates."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from itemsearch.cli._options import AsJson
from itemsearch.cli._output import emit_json, facts, note
from itemsearch.cli._thresholds import NOT_PROBABILITIES, MinPrecision, MinScore, chosen_thresholds
from itemsearch.cli._variants import IgnoreVariant, VariantColumn

if TYPE_CHECKING:
    from itemsearch.duplicates.explain import Explanation
    from itemsearch.probability.thresholds import Thresholds

DECIDED = {
    "duplicate": "one product",
    "review": "may be one product: a person should look",
    "variant": "variants, not one product",
    "rejected": "two products",
    "different": "not taken for one product",
}


def explain(
    index: Annotated[Path, typer.Argument(help="An index folder.")],
    id_a: Annotated[str, typer.Argument(metavar="A", help="The id of a listing.")],
    id_b: Annotated[str, typer.Argument(metavar="B", help="The id of another.")],
    min_precision: MinPrecision = None,
    min_score: MinScore = None,
    ignore_variant: IgnoreVariant = [],  # noqa: B006 (typer reads the default, nobody changes it)
    variant_column: VariantColumn = [],  # noqa: B006
    as_json: AsJson = False,
) -> None:
    """Say why two listings are, or are not, duplicates: the evidence, the thresholds, the decision.

    Example: itemsearch explain index 000040 000494
    """
    from itemsearch.duplicates.explain import explain
    from itemsearch.duplicates.pairs.variants import VariantRules
    from itemsearch.search.engine import Engine

    engine = Engine.open(index)
    bars = chosen_thresholds(engine, min_precision, min_score)
    guard = VariantRules.without(ignore_variant, variant_column)
    explained = explain(engine, id_a, id_b, bars.thresholds, guard)
    if as_json:
        emit_json(explained)
        return
    facts(_in_words(explained))
    if not bars.calibrated:
        note(NOT_PROBABILITIES)


def _in_words(explained: Explanation) -> dict[str, str]:
    """What is told, a line each."""
    first, second = explained.ids
    told = {
        first: explained.titles[0] or "without a title",
        second: explained.titles[1] or "without a title",
        "decision": f"{DECIDED[explained.decision]}: {explained.reason}",
        "score": f"{explained.score:.4f}, of the evidence below weighed together",
        "joint": f"{explained.joint:.3f}, the cosine of the embeddings",
        "title": _cosine(explained.title, "titles"),
        "image": _cosine(explained.image, "pictures"),
        "pictures": _pictures(explained),
        "words": _words(explained),
        "conflicts": "; ".join(explained.conflicts) or "none",
        "thresholds": _bars(explained.thresholds),
    }
    if explained.rival is not None:
        rival = explained.rival
        told["rival"] = f"{rival.id}, {rival.title}: {rival.score:.4f} with {rival.of}"
    if not explained.compared:
        told["compared"] = "no: neither is among the other's neighbours, and their pictures differ"
    return told


def _cosine(value: float | None, what: str) -> str:
    return f"one has no {what[:-1]}" if value is None else f"{value:.3f}, the cosine of the {what}"


def _words(explained: Explanation) -> str:
    if not (explained.words_a or explained.words_b):
        return "the same in both titles"
    sides = (" ".join(words) or "none" for words in (explained.words_a, explained.words_b))
    return f"only in the one: {next(sides)}; only in the other: {next(sides)}"


def _pictures(explained: Explanation) -> str:
    if explained.phash_distance is None:
        return "one has none"
    if explained.same_image:
        return "the same, byte for byte"
    return f"perceptual hashes differ in {explained.phash_distance} of 64 bits"


def _bars(thresholds: Thresholds) -> str:
    """What each piece of evidence needs."""
    needs = []
    for bar in thresholds.bars:
        automatic = f"{bar.automatic:.4g} for a duplicate, " if bar.automatic <= 1 else ""
        needs.append(f"{bar.evidence} {automatic}{bar.review:.4g} for a review")
    return "; ".join(needs)
