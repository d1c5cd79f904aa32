"""Computes the similarity features of a query against its candidates.

Shapes: C candidates, E embedding size, F features, B n-gram buckets.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from itemsearch.indexes.arrays import Floats, Rows
from itemsearch.ngrams import ngram_buckets_of

WORD_POWERS = {"words": 1.0, "rare_words": 3.0}
"""Features of two titles: the cosine of their n-grams, weighted by this power of the inverse document
frequency. The first measures how much of the wording is shared, the second whether its rarest words are, such
as a model number."""
IMAGE_PARTS = ("image", "colour")
"""The parts of an embedding that are computed from the image alone."""
KINDS = ("neither", "title", "image", "both", "numbered")
"""What a query and a candidate both have: modalities, or titles alone with a digit in each. Of two titles
with numbers the rare words, such as a model number, say what they do not say of titles without."""
MODALITIES = (0, 1, 2, 3, 1)
"""What is shared in each of `KINDS`: the sum of 1 for a title and 2 for an image."""
CACHED_TITLES = 200_000


@dataclass(frozen=True, slots=True)
class ListingArrays:
    """What N listings are compared by.

    vectors: (N, E) float32 of length 1. titles: N, "" for no title. has_image: (N,) bool.
    """

    vectors: Floats
    titles: Sequence[str]
    has_image: npt.NDArray[np.bool_]

    def one(self, place: int) -> ListingArrays:
        """Takes one listing."""
        return self.take(np.array([place]))

    def take(self, rows: Rows) -> ListingArrays:
        """Takes the listings of (R,) rows."""
        return ListingArrays(self.vectors[rows], [self.titles[row] for row in rows], self.has_image[rows])


@dataclass(frozen=True, slots=True)
class Evidence:
    """The similarities of one query and C candidates, or of C pairs of listings.

    joint: (C,) float32, the cosine of the embeddings. title_similarity: (C,) float32, the cosine of the
    titles' n-grams, NaN where either has no title. image_similarity: (C,) float32, the cosine of the
    `IMAGE_PARTS` of the embeddings, NaN where either has no image. features: (C, F) float32, 0 where one is
    missing. kinds: (C,) int64, places in `KINDS`.
    """

    joint: Floats
    title_similarity: Floats
    image_similarity: Floats
    features: Floats
    kinds: Rows


@dataclass(frozen=True, slots=True)
class _Ngrams:
    """A title's n-gram buckets, the norm of its weighted vector for each of `WORD_POWERS`, and whether it has
    a digit."""

    buckets: Rows
    norms: npt.NDArray[np.float64]
    numbered: bool


class EvidenceReader:
    """Compares a query with candidates, whose embeddings have `parts` (name to size, in order).

    frequency: (B,) float64, the inverse document frequency of each n-gram bucket in the catalog.
    """

    def __init__(self, parts: Mapping[str, int], frequency: npt.NDArray[np.float64]) -> None:
        self.slices: dict[str, slice] = {}
        start = 0
        for name, dim in parts.items():
            self.slices[name] = slice(start, start + dim)
            start += dim
        self.squares = np.stack([frequency ** (2 * power) for power in WORD_POWERS.values()])
        self._ngrams: dict[str, _Ngrams] = {}

    @property
    def features(self) -> tuple[str, ...]:
        """The F features' names, without the "lexical" part: it approximates the n-grams compared here."""
        return (*(name for name in self.slices if name != "lexical"), *WORD_POWERS)

    def compare(self, query: ListingArrays, candidates: ListingArrays) -> Evidence:
        """Compares the one listing in `query` with the C in `candidates`."""
        vector = query.vectors[0]
        title, *others = self._read_titles([query.titles[0], *candidates.titles])
        words = self._share_words(title, others)  # (2, C)
        both_titles = np.array([bool(title and query.titles[0]) for title in candidates.titles], bool)
        both_images = candidates.has_image & query.has_image[0]
        numbered = np.array([title.numbered and other.numbered for other in others], np.bool_)
        cosines = {
            name: _cosine(vector[part], candidates.vectors[:, part]) for name, part in self._compared()
        }
        features = np.stack([*cosines.values(), *words], axis=1)
        image_parts = [self.slices[name] for name in IMAGE_PARTS if name in self.slices]
        columns = np.r_[tuple(image_parts)] if image_parts else slice(0, 0)
        image = _cosine(vector[columns], candidates.vectors[:, columns])
        return Evidence(
            joint=candidates.vectors @ vector,
            title_similarity=np.where(both_titles, words[0], np.nan).astype(np.float32),
            image_similarity=np.where(both_images & bool(image_parts), image, np.nan).astype(np.float32),
            features=features.astype(np.float32),
            kinds=kinds_of(both_titles + 2 * both_images.astype(np.int64), numbered),
        )

    def _compared(self) -> list[tuple[str, slice]]:
        return [(name, self.slices[name]) for name in self.features if name in self.slices]

    def _share_words(self, query: _Ngrams, candidates: Sequence[_Ngrams]) -> npt.NDArray[np.float64]:
        """(2, C) weighted cosines of a title's n-grams with each other title's, 0 where either has none."""
        # One power, B = 6, squared weights [0, 1, 4, 9, 1, 1]; the title has buckets 2, 3 and 5:
        #   shared = [0, 0, 4, 9, 0, 1]   its squared weights, 0 in the buckets that it lacks
        #   candidate   buckets   shared[buckets]   sums: 0 and the cumulative sum   inner product
        #   0           2, 3      4, 9              0, 4, 13                         13 -  0 = 13
        #   1           1         0                 13                               13 - 13 =  0
        #   2           none                                                         13 - 13 =  0
        #   3           3, 5      9, 1              22, 23                           23 - 13 = 10
        # starts = [0, 2, 3, 3] and ends = [2, 3, 3, 5] are places in sums = [0, 4, 13, 13, 22, 23].
        # Candidate 0 has the cosine 13 / (sqrt(4 + 9 + 1) * sqrt(4 + 9)) = 0.96.
        if not candidates:
            return np.zeros((len(WORD_POWERS), 0))
        shared = np.zeros_like(self.squares)
        shared[:, query.buckets] = self.squares[:, query.buckets]
        lengths = [len(ngrams.buckets) for ngrams in candidates]
        ends = np.cumsum(lengths)
        starts = ends - lengths
        sums = np.zeros((len(WORD_POWERS), ends[-1] + 1))
        buckets = np.concatenate([ngrams.buckets for ngrams in candidates])
        np.cumsum(shared[:, buckets], axis=1, out=sums[:, 1:])
        inner_products = sums[:, ends] - sums[:, starts]
        norms = query.norms[:, None] * np.stack([ngrams.norms for ngrams in candidates], axis=1)
        return inner_products / np.where(norms > 0, norms, 1)

    def _read_titles(self, titles: Sequence[str]) -> list[_Ngrams]:
        """The n-grams of titles; those that were read before are kept, and the others read at once."""
        known = self._ngrams  # another thread may begin a new one
        read = {title: known[title] for title in titles if title in known}
        unread = [title for title in dict.fromkeys(titles) if title not in read]
        if unread:
            buckets, counts = ngram_buckets_of(unread, self.squares.shape[1])
            starts = np.cumsum(counts) - counts
            norms = np.zeros((len(WORD_POWERS), len(unread)))
            filled = counts > 0
            if filled.any():
                sums = np.add.reduceat(self.squares[:, buckets], starts[filled], axis=1)
                norms[:, filled] = np.sqrt(sums)
            parts = np.split(buckets, starts[1:])
            new = dict(zip(unread, map(_Ngrams, parts, norms.T, map(has_digit, unread)), strict=True))
            read |= new
            if len(known) + len(new) > CACHED_TITLES:
                self._ngrams = known = {}
            known.update(new)
        return [read[title] for title in titles]


def kinds_of(modalities: Rows, numbered: npt.NDArray[np.bool_]) -> Rows:
    """(P,) int64 places in `KINDS`.

    Args:
        modalities: (P,) what both listings of a pair have, the sum of 1 for a title and 2 for an image.
        numbered: (P,) whether the titles of both have a digit.
    """
    titles_alone = modalities == KINDS.index("title")
    kinds: Rows = np.where(titles_alone & numbered, KINDS.index("numbered"), modalities)
    return kinds


def has_digit(title: str) -> bool:
    """Whether a title has a digit, of whatever script."""
    return any(letter.isdigit() for letter in title)


def _cosine(vector: Floats, others: Floats) -> Floats:
    """(C,) the cosine of a vector with each of others; 0 where either is all zeros."""
    norms = np.linalg.norm(vector) * np.linalg.norm(others, axis=1)
    cosine: Floats = ((others @ vector) / np.where(norms > 1e-12, norms, 1)).astype(np.float32)
    return cosine
