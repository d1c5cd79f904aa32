"""What speaks for a query and a candidate being one product, each piece by itself.

Shapes: C candidates, E embedding size, F features.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import numpy.typing as npt

from itemsearch.indexes.arrays import Floats, Rows
from itemsearch.ngrams import ngram_buckets

WORD_POWERS = {"words": 1.0, "rare_words": 3.0}
"""Features of two titles: the cosine of their n-grams, weighted by this power of the IDF. The first asks how
much of the wording is shared, the second whether its rarest words are: a model number, a name."""
IMAGE_PARTS = ("image", "colour")
KINDS = ("neither", "title", "image", "both")
"""Which modalities a query and a candidate both have."""
CACHED_TITLES = 200_000


@dataclass(frozen=True, slots=True)
class ListingArrays:
    """N listings: vectors (N, E) of length 1, titles ("" for none), has_image (N,) bool."""

    vectors: Floats
    titles: Sequence[str]
    has_image: npt.NDArray[np.bool_]

    def one(self, place: int) -> ListingArrays:
        """A listing by itself."""
        return self.take(np.array([place]))

    def take(self, rows: Rows) -> ListingArrays:
        """Some of the listings."""
        return ListingArrays(self.vectors[rows], [self.titles[row] for row in rows], self.has_image[rows])


@dataclass(frozen=True, slots=True)
class Evidence:
    """One query against C candidates.

    joint (C,): the cosine of the embeddings. title, image (C,): of the titles' n-grams, and of the parts of
    the embeddings that are the pictures' own; NaN where either lacks the modality. features (C, F): every
    piece, 0 where it is missing. kinds (C,): places in `KINDS`.
    """

    joint: Floats
    title: Floats
    image: Floats
    features: Floats
    kinds: Rows


@dataclass(frozen=True, slots=True)
class _Ngrams:
    """A title's buckets, and the length of its weighted vector for each of `WORD_POWERS`."""

    buckets: Rows
    norms: npt.NDArray[np.float64]


class EvidenceReader:
    """Compares listings whose embeddings have `parts` (name to size, in order).

    frequency (B,): the inverse document frequency of each n-gram bucket in the catalog.
    """

    def __init__(self, parts: Mapping[str, int], frequency: npt.NDArray[np.float64]) -> None:
        self.slices: dict[str, slice] = {}
        start = 0
        for name, dim in parts.items():
            self.slices[name] = slice(start, start + dim)
            start += dim
        self.squares = np.stack([frequency ** (2 * power) for power in WORD_POWERS.values()])
        self._ngrams = lru_cache(CACHED_TITLES)(self._read_title)

    @property
    def features(self) -> tuple[str, ...]:
        """The sketch of a title is left out: for a few candidates the n-grams themselves are at hand."""
        return (*(name for name in self.slices if name != "lexical"), *WORD_POWERS)

    def compare(self, query: ListingArrays, candidates: ListingArrays) -> Evidence:
        """`query` holds one listing, `candidates` C of them."""
        vector = query.vectors[0]
        words = self._share_words(query.titles[0], candidates.titles)  # (2, C)
        both_titles = np.array([bool(title and query.titles[0]) for title in candidates.titles], bool)
        both_images = candidates.has_image & query.has_image[0]
        cosines = {
            name: _cosine(vector[part], candidates.vectors[:, part]) for name, part in self._compared()
        }
        features = np.stack([*cosines.values(), *words], axis=1)
        own = [self.slices[name] for name in IMAGE_PARTS if name in self.slices]
        picture = np.r_[tuple(own)] if own else slice(0, 0)
        image = _cosine(vector[picture], candidates.vectors[:, picture])
        return Evidence(
            joint=candidates.vectors @ vector,
            title=np.where(both_titles, words[0], np.nan).astype(np.float32),
            image=np.where(both_images & bool(own), image, np.nan).astype(np.float32),
            features=features.astype(np.float32),
            kinds=both_titles + 2 * both_images.astype(np.int64),
        )

    def _compared(self) -> list[tuple[str, slice]]:
        return [(name, self.slices[name]) for name in self.features if name in self.slices]

    def _share_words(self, title: str, others: Sequence[str]) -> npt.NDArray[np.float64]:
        """(2, C) the weighted cosine of a title's n-grams with each other title's, 0 where there are none."""
        asked, found = self._ngrams(title), [self._ngrams(other) for other in others]
        if not found:
            return np.zeros((len(WORD_POWERS), 0))
        shared = np.zeros_like(self.squares)
        shared[:, asked.buckets] = self.squares[:, asked.buckets]
        lengths = [len(ngrams.buckets) for ngrams in found]
        ends = np.cumsum(lengths)
        sums = np.zeros((len(WORD_POWERS), ends[-1] + 1))
        np.cumsum(shared[:, np.concatenate([ngrams.buckets for ngrams in found])], axis=1, out=sums[:, 1:])
        listings = sums[:, ends] - sums[:, ends - lengths]
        norms = asked.norms[:, None] * np.stack([ngrams.norms for ngrams in found], axis=1)
        return listings / np.where(norms > 0, norms, 1)

    def _read_title(self, title: str) -> _Ngrams:
        buckets = ngram_buckets(title, self.squares.shape[1])
        return _Ngrams(buckets, np.sqrt(self.squares[:, buckets].sum(axis=1)))


def _cosine(vector: Floats, others: Floats) -> Floats:
    """(C,) 0 where a part is missing."""
    norms = np.linalg.norm(vector) * np.linalg.norm(others, axis=1)
    cosine: Floats = ((others @ vector) / np.where(norms > 1e-12, norms, 1)).astype(np.float32)
    return cosine
