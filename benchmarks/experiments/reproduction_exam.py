"""What a stream's [CLS] is asked: the same product in other words and another picture, by both or by one.

N products, each listed again; E numbers an embedding.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from PIL import Image

from itemsearch.benchmarks.experiments.reproduction_variants import BOTH, PICTURE, TITLE
from itemsearch.benchmarks.metrics.ranked import TIE
from itemsearch.embed.torch_encoder import TorchEncoder
from itemsearch.indexes.arrays import Doubles, Floats, Rows
from itemsearch.relisting.listing import Relisting
from itemsearch.types import Listing

TITLE_IN_ALL, PICTURE_IN_ALL = "title, whole listings", "picture, whole listings"
ASKED: Mapping[str, tuple[str, str]] = {
    BOTH: (BOTH, BOTH),
    TITLE: (TITLE, TITLE),
    PICTURE: (PICTURE, PICTURE),
    TITLE_IN_ALL: (TITLE, BOTH),
    PICTURE_IN_ALL: (PICTURE, BOTH),
}
"""What is asked with, and what the products looked among are embedded from."""
WHITENED: Mapping[str, str] = {way: f"{way}, whitened" for way in (BOTH, TITLE, PICTURE)}
"""The first three again, once every direction in which the products differ counts alike."""
LEAST_VARIANCE = 0.01
"""Of the mean one: a direction that varies less is not blown up further."""


@dataclass(frozen=True, slots=True)
class Listings:
    """N titles and pictures."""

    titles: Sequence[str]
    images: Sequence[Image.Image | None]

    @classmethod
    def of(cls, listed: Sequence[Listing] | Sequence[Relisting]) -> Listings:
        return cls([listing.title for listing in listed], [listing.image for listing in listed])

    def seen(self, view: str) -> Listings:
        """The same with the other modality left out."""
        titles = [""] * len(self.titles) if view == PICTURE else self.titles
        return Listings(titles, [None] * len(self.images) if view == TITLE else self.images)


@dataclass(frozen=True, slots=True)
class Exam:
    """Row i of both is one product."""

    products: Listings
    relisted: Listings


@dataclass(frozen=True, slots=True)
class Answered:
    """places: by way of asking (`ASKED`), (N,) the place of the right product, from 1.

    follows_picture (N,): 1 where a listing of one product's title and another's picture is nearer to the
    picture's product, 0 where to the title's; None where the stream sees one of them only. alike: the mean
    cosine of two different products. directions: over how many directions the products are spread.
    """

    places: Mapping[str, Rows]
    follows_picture: Doubles | None
    alike: float
    directions: float


def take(encoder: TorchEncoder, exam: Exam, sees: str) -> Answered:
    """Asks for every product by its relisting, by exact search among all."""
    views = [BOTH, TITLE, PICTURE] if sees == BOTH else [sees]
    gallery = {view: _embed(encoder, exam.products.seen(view)) for view in views}
    queries = {view: _embed(encoder, exam.relisted.seen(view)) for view in views}
    places = {
        way: places_of_right(queries[asked] @ gallery[among].T)
        for way, (asked, among) in ASKED.items()
        if asked in views and among in views
    }
    for view in views:
        whitened = whiten(gallery[view], queries[view])
        places[WHITENED[view]] = places_of_right(whitened[1] @ whitened[0].T)
    follows = None
    if sees == BOTH:
        titles, images = exam.relisted.titles, exam.relisted.images
        mixed = _embed(encoder, Listings(titles, [*images[1:], *images[:1]]))
        follows = follows_second(mixed, gallery[BOTH], np.roll(gallery[BOTH], -1, axis=0))
    return Answered(places, follows, mean_cosine(gallery[views[0]]), spread(gallery[views[0]]))


def places_of_right(scores: Floats) -> Rows:
    """(N, N) scores of query i for product j -> (N,) the place of product i, behind all that tie with it."""
    return np.asarray((scores >= scores.diagonal()[:, None] - TIE).sum(axis=1), np.int64)


def follows_second(queries: Floats, first: Floats, second: Floats) -> Doubles:
    """(N,) 1 where a query is nearer to its `second` (N, E), 0 where to its `first`, half where alike."""
    difference = (queries * second).sum(axis=1) - (queries * first).sum(axis=1)
    return np.where(np.abs(difference) <= TIE, 0.5, difference > 0).astype(np.float64)


def whiten(gallery: Floats, queries: Floats) -> tuple[Floats, Floats]:
    """Both (N, E), centred and scaled along the gallery's principal axes, then of length 1.

    A stream puts most of its variance into few directions; what tells like products apart may lie in others.
    """
    mean = gallery.mean(axis=0)
    variances, axes = np.linalg.eigh(np.cov(gallery - mean, rowvar=False))
    scaled = axes / np.sqrt(variances.clip(min=0) + LEAST_VARIANCE * variances.mean() + 1e-30)
    first, second = ((side - mean) @ scaled for side in (gallery, queries))
    return _unit(first), _unit(second)


def _unit(vectors: Floats) -> Floats:
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    return np.asarray(vectors / lengths.clip(min=1e-30), np.float32)


def mean_cosine(vectors: Floats) -> float:
    """Of two different rows of (N, E) of length 1: near 1 where all products are embedded alike."""
    count = len(vectors)
    total = vectors.astype(np.float64).sum(axis=0)
    return float((total @ total - count) / (count * (count - 1)))


def spread(vectors: Floats) -> float:
    """The participation ratio of the variances along the principal axes of (N, E): from 1 to E."""
    covariance = np.cov(vectors.astype(np.float64), rowvar=False)
    variances = np.linalg.eigvalsh(covariance).clip(min=0)
    return float(variances.sum() ** 2 / max((variances**2).sum(), 1e-30))


def _embed(encoder: TorchEncoder, listings: Listings) -> Floats:
    return encoder.encode(listings.titles, listings.images, batch_size=128)
