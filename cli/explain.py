"""itemsearch explain: prints the evidence, the thresholds and the decision on a pair of listings."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from itemsearch.cli._options import AsJson
from itemsearch.cli._output import emit_json, facts

if TYPE_CHECKING:
    from itemsearch.duplicates.explain import Explanation
    from itemsearch.duplicates.pairs.decide import Thresholds

DECISIONS = {
    "duplicate": "one product",
    "review": "possibly one product, a person decides",
    "variant": "variants, not one product",
    "confirmed": "one product",
    "rejected": "two products",
    "different": "two products",
}


def explain(
    folder: Annotated[Path, typer.Argument(help="A folder of `duplicates`.")],
    id_a: Annotated[str, typer.Argument(metavar="A", help="The id of a listing.")],
    id_b: Annotated[str, typer.Argument(metavar="B", help="The id of another.")],
    as_json: AsJson = False,
) -> None:
    """Explain the decision of a run on two listings: the probability, the evidence and the thresholds.

    Example: itemsearch explain duplicates 000040 000494
    """
    from itemsearch.duplicates.explain import explain

    explained = explain(folder, id_a, id_b)
    if as_json:
        emit_json(explained)
        return
    facts(_in_words(explained))


def _in_words(explained: Explanation) -> dict[str, str]:
    """Names and texts, a line each."""
    first, second = explained.ids
    lines = {
        first: explained.titles[0] or "without a title",
        second: explained.titles[1] or "without a title",
        "decision": f"{DECISIONS[explained.decision]}: {explained.reason}",
        "score": f"{explained.score:.4f}, of title, picture and joint embedding together",
        "joint": f"{explained.joint:.3f}, the cosine of the embeddings",
        "title_similarity": _cosine(explained.title_similarity, "titles"),
        "image_similarity": _cosine(explained.image_similarity, "pictures"),
        "image_hash_distance": _image_hashes(explained),
        "words": _words(explained),
        "identifier": explained.same_identifier or "none in common",
        "conflicts": "; ".join(explained.conflicts) or "none",
        "thresholds": _thresholds(explained.thresholds),
    }
    if explained.rival is not None:
        rival = explained.rival
        lines["rival"] = f"{rival.id}, {rival.title}: probability {rival.probability:.3f} with {rival.of}"
    if not explained.compared:
        lines["compared"] = "no: neither is among the other's neighbours, and their pictures differ"
    return lines


def _cosine(value: float | None, what: str) -> str:
    return f"one has no {what[:-1]}" if value is None else f"{value:.3f}, the cosine of the {what}"


def _words(explained: Explanation) -> str:
    if not (explained.words_a or explained.words_b):
        return "the same in both titles"
    sides = (" ".join(words) or "none" for words in (explained.words_a, explained.words_b))
    return f"only in the one: {next(sides)}; only in the other: {next(sides)}"


def _image_hashes(explained: Explanation) -> str:
    if explained.image_hash_distance is None:
        return "one has none"
    if explained.same_image:
        return "0, the pictures are equal byte for byte"
    return f"{explained.image_hash_distance} of 64 bits of the perceptual hashes"


def _thresholds(thresholds: Thresholds) -> str:
    automatic = f"{thresholds.automatic:.3f} for a duplicate, " if thresholds.automatic <= 1 else ""
    return f"probability {automatic}{thresholds.review:.3f} for a review"
