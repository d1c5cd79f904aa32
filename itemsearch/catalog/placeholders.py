"""Finds placeholders: pictures, such as "no image", that many listings with unlike titles share.

Variants and several offers of one product share a picture too, but their titles are alike. How alike titles
are is the mean cosine of their n-grams, weighted by inverse document frequency. In three shops it is .02 to
.04 among any titles (at most .09 among 16), and .25 or more among five or more offers of one product. With
the figures below, none of 777 products of five or more offers was taken for a placeholder, and each of 3,600
draws of 5 to 50 titles was; of draws from one narrow category, whose titles are alike, between a seventh and
nine tenths: a placeholder in a single such category may stay unseen.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import blake2b

import numpy as np
import numpy.typing as npt

from itemsearch.ngrams import NGRAM_BUCKETS, inverse_document_frequency, ngram_buckets

LEAST_LISTINGS = 5
"""The fewest listings, and different titles, that share a placeholder: a guess."""
MARGIN_OVER_CHANCE = 0.15
MOST_ALIKE = 0.25
"""Titles are unlike if they are at most `MARGIN_OVER_CHANCE` more alike than the catalog's titles are to each
other, and not more than `MOST_ALIKE`, so that a catalog of one product's variants has none. The first is a
guess between the figures above; the second is their least."""
PICTURE_TITLES = 16
CATALOG_TITLES = 512
"""How many titles of a picture and of the catalog are compared."""


@dataclass(frozen=True, slots=True)
class Placeholder:
    """A picture that stands for no product.

    name: its path, as a row has it, or whose embedded image it is. listings: how many have it; alone: how
    many of them have no other. digest: of its encoded bytes, as `image_digest` returns it.
    """

    name: str
    listings: int
    alone: int
    digest: int


def image_digest(data: bytes) -> int:
    """64 bits of a hash of an image's encoded bytes: two agree in one of 37 million catalogs of a million."""
    return int.from_bytes(blake2b(data, digest_size=8).digest(), "little")


@dataclass(slots=True)
class _TitleSample:
    """At most `size` of the different titles that were added: those of the least hash, so that the sample is
    uniform and does not depend on their order."""

    size: int
    _heap: list[tuple[int, str]] = field(default_factory=list)

    def add(self, title: str) -> None:
        if not title:
            return
        entry = (-int.from_bytes(blake2b(title.encode(), digest_size=8).digest(), "little"), title)
        if len(self._heap) == self.size and entry <= self._heap[0]:
            return
        if entry not in self._heap:
            heapq.heappush(self._heap, entry)
            if len(self._heap) > self.size:
                heapq.heappop(self._heap)

    @property
    def titles(self) -> list[str]:
        return sorted(title for _, title in self._heap)


@dataclass(slots=True)
class _SharedPicture:
    name: str
    listings: int = 0
    alone: int = 0
    sample: _TitleSample = field(default_factory=lambda: _TitleSample(PICTURE_TITLES))

    def add(self, title: str, alone: bool) -> None:
        self.listings += 1
        self.alone += alone
        self.sample.add(title)


class SharedPictures:
    """Which pictures listings share, and under what titles. One of a single listing takes little memory."""

    def __init__(self) -> None:
        self._catalog = _TitleSample(CATALOG_TITLES)
        self._single: dict[int, tuple[str, bool]] = {}
        self._shared: dict[int, _SharedPicture] = {}

    def add(self, title: str, pictures: Mapping[int, str]) -> None:
        """Adds a listing. pictures: the digest of each to its name."""
        self._catalog.add(title)
        alone = len(pictures) == 1
        for digest, name in pictures.items():
            if digest in self._shared:
                self._shared[digest].add(title, alone)
            elif digest in self._single:
                self._shared[digest] = picture = _SharedPicture(name)
                picture.add(*self._single.pop(digest))
                picture.add(title, alone)
            else:
                self._single[digest] = title, alone

    def placeholders(self) -> tuple[Placeholder, ...]:
        """The pictures that are placeholders, the most shared first."""
        found = sorted(self._unlike(), key=lambda placeholder: (-placeholder.listings, placeholder.name))
        return tuple(found)

    def _unlike(self) -> Iterator[Placeholder]:
        often = {digest: each for digest, each in self._shared.items() if each.listings >= LEAST_LISTINGS}
        if not often:
            return
        titles = self._catalog.titles
        weights = inverse_document_frequency(titles, NGRAM_BUCKETS)
        most_alike = min(_mean_cosine(titles, weights) + MARGIN_OVER_CHANCE, MOST_ALIKE)
        for digest, picture in often.items():
            titles = picture.sample.titles
            if len(titles) >= LEAST_LISTINGS and _mean_cosine(titles, weights) <= most_alike:
                yield Placeholder(picture.name, picture.listings, picture.alone, digest)


def _mean_cosine(titles: Sequence[str], weights: npt.NDArray[np.float64]) -> float:
    """The mean, over all pairs of N titles, of the cosine of their weighted n-grams; 0 for fewer than two."""
    # The squared length of the sum of N vectors of length 1 is N plus twice the sum of all pairs' cosines.
    total = np.zeros(len(weights))
    lengths = 0.0
    for title in titles:
        buckets = ngram_buckets(title, len(weights))
        norm = float(np.linalg.norm(weights[buckets]))
        if norm > 0:
            total[buckets] += weights[buckets] / norm
            lengths += 1
    pairs = len(titles) * (len(titles) - 1)
    return (float(total @ total) - lengths) / pairs if pairs else 0.0
