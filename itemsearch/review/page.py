"""One self-contained page of pairs: pictures side by side, nothing fetched from elsewhere."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from pathlib import Path

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup, escape


@dataclass(frozen=True, slots=True)
class Listing:
    """A product as a page shows it. `thumbnail` is a JPEG, None where the product has no picture."""

    id: str
    title: str
    category: str
    thumbnail: bytes | None


@dataclass(frozen=True, slots=True)
class Pair:
    """Two listings and how alike they are, in [-1, 1]."""

    first: Listing
    second: Listing
    score: float


def write_pairs_page(path: Path, heading: str, facts: Sequence[str], pairs: Sequence[Pair]) -> None:
    """Writes `pairs` in the order given as one HTML file."""
    environment = Environment(
        loader=PackageLoader("itemsearch.review"), autoescape=True, undefined=StrictUndefined
    )
    environment.filters["data_uri"] = data_uri
    environment.globals["mark_differences"] = mark_differences
    page = environment.get_template("pairs.html").stream(heading=heading, facts=facts, pairs=pairs)
    partial = path.with_name(f"{path.name}.partial")
    with partial.open("wb") as file:
        page.dump(file, encoding="utf-8")
    partial.rename(path)


def data_uri(picture: bytes) -> str:
    """A JPEG inside the page itself."""
    return f"data:image/jpeg;base64,{base64.b64encode(picture).decode()}"


def mark_differences(title: str, other: str) -> Markup:
    """`title`, escaped, with the words that `other` lacks inside <mark>."""
    words, others = title.split(), other.split()
    matcher = SequenceMatcher(
        None, [w.casefold() for w in words], [w.casefold() for w in others], autojunk=False
    )
    marked: list[Markup] = []
    for kind, start, end, _, _ in matcher.get_opcodes():
        run = escape(" ".join(words[start:end]))
        if run:
            marked.append(run if kind == "equal" else Markup("<mark>{}</mark>").format(run))
    return Markup(" ").join(marked)
