"""Computes the similarity features of many pairs at once, equal to those of `EvidenceReader.compare`.

Shapes: N listings, P pairs, p pairs of a block, E embedding size, S parts of the embedding, B n-gram buckets.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from itemsearch.indexes.arrays import Floats, Mask, Rows
from itemsearch.indexes.storage.vectors import AnyVectors
from itemsearch.ngrams import NGRAM_BUCKETS, ngram_buckets_of
from itemsearch.ranking.evidence import (
    IMAGE_PARTS,
    WORD_POWERS,
    Evidence,
    EvidenceReader,
    has_digit,
    kinds_of,
)

BLOCK_PAIRS = 8192
BLOCK_LISTINGS = 65_536
MARKED_LISTINGS = 256
"""How many titles' n-grams are marked at once, a byte each: 8 MiB, which fits a processor's cache."""


@dataclass(frozen=True, slots=True)
class TitleNgrams:
    """The n-gram buckets of N titles: title n has `buckets[offsets[n] : offsets[n + 1]]`, ascending.

    buckets: uint16, 150 MB for a million titles. offsets: (N + 1,) int64. numbered: (N,) bool, whether a
    title has a digit.
    """

    buckets: npt.NDArray[np.uint16]
    offsets: Rows
    numbered: Mask

    @classmethod
    def from_titles(cls, titles: Sequence[str]) -> TitleNgrams:
        """Hashes the n-grams of titles, "" for no title."""
        buckets, counts = ngram_buckets_of(titles, NGRAM_BUCKETS)
        numbered = np.fromiter(map(has_digit, titles), bool, len(titles))
        return cls(buckets.astype(np.uint16), np.append(0, np.cumsum(counts)), numbered)

    @classmethod
    def joined(cls, parts: list[TitleNgrams]) -> TitleNgrams:
        """Joins parts, in order."""
        lengths = np.concatenate([np.diff(part.offsets) for part in parts])
        return cls(
            np.concatenate([part.buckets for part in parts]),
            np.append(0, np.cumsum(lengths)),
            np.concatenate([part.numbered for part in parts]),
        )

    def of(self, rows: Rows) -> tuple[npt.NDArray[np.uint16], Rows]:
        """The buckets of the (R,) titles of `rows`, one title after the other, and their (R,) counts."""
        # Four titles, buckets = [5, 9, 2, 7, 8], offsets = [0, 2, 2, 3, 5]; rows = [3, 1, 0]:
        #   lengths = [2, 0, 2]; they begin at [0, 2, 2] of the answer and at [3, 2, 0] of `buckets`
        #   starts = [3, 2, 0] - [0, 2, 2] = [3, 0, -2], repeated: [3, 3, -2, -2]
        #   places = [0, 1, 2, 3] + [3, 3, -2, -2] = [3, 4, 0, 1]; buckets[places] = [7, 8, 5, 9]
        lengths = self.offsets[rows + 1] - self.offsets[rows]
        starts = self.offsets[rows] - (np.cumsum(lengths) - lengths)
        places = np.arange(lengths.sum()) + np.repeat(starts, lengths)
        return self.buckets[places], lengths


class PairReader:
    """Compares N listings by row.

    vectors: (N, E) float32 of length 1. modalities: (N,) int64, the sum of 1 for a title and 2 for an image.
    """

    def __init__(
        self, reader: EvidenceReader, vectors: AnyVectors, ngrams: TitleNgrams, modalities: Rows
    ) -> None:
        self.reader = reader
        self.vectors = vectors
        self.ngrams = ngrams
        self.modalities = modalities
        self.squares = np.ascontiguousarray(reader.squares.T)  # (2, B) -> (B, 2)
        self.starts = [part.start for part in reader.slices.values()]
        self.part_squares = self._part_squares()
        self.word_norms = self._word_norms()

    def compare(self, a: Rows, b: Rows, share_picture: Mask | None = None) -> Evidence:
        """Compares the pairs of (P,) rows `a` and `b`; fastest where equal `a` are together.

        Args:
            share_picture: (P,) where the listings have one picture in common that is not the embedded one of
            both:
                the parts of their embeddings that are of the image alone count as equal. None for nowhere.
        """
        dots = np.concatenate([np.empty((0, len(self.starts)), np.float32), *self._part_dots(a, b)])
        words = self._share_words(a, b)  # (P, 2)
        modalities = self.modalities[a] & self.modalities[b]
        names = list(self.reader.slices)
        image_parts = [place for place, name in enumerate(names) if name in IMAGE_PARTS]
        compared = [place for place, name in enumerate(names) if name in self.reader.features]
        one, other = self.part_squares[a], self.part_squares[b]  # (P, S) squared norms
        if share_picture is not None:
            for part in image_parts:
                equal = np.sqrt(one[share_picture, part] * other[share_picture, part])
                dots[share_picture, part] = equal
        image_squares = one[:, image_parts].sum(axis=1) * other[:, image_parts].sum(axis=1)
        image = _ratio(dots[:, image_parts].sum(axis=1), image_squares)
        features = np.column_stack([_ratio(dots[:, compared], (one * other)[:, compared]), words])
        return Evidence(
            joint=np.clip(dots.sum(axis=1), -1, 1),
            title_similarity=np.where(modalities & 1, words[:, 0], np.nan).astype(np.float32),
            image_similarity=np.where((modalities >= 2) & bool(image_parts), image, np.nan).astype(
                np.float32
            ),
            features=features.astype(np.float32),
            kinds=kinds_of(modalities, self.ngrams.numbered[a] & self.ngrams.numbered[b]),
        )

    def _part_dots(self, a: Rows, b: Rows) -> list[Floats]:
        """(p, S) for blocks of pairs: the inner product of each part of the embeddings."""
        blocks = [slice(start, start + BLOCK_PAIRS) for start in range(0, len(a), BLOCK_PAIRS)]
        return [self._dots(self.vectors[a[block]], self.vectors[b[block]]) for block in blocks]

    def _part_squares(self) -> Floats:
        """(N, S) the squared norm of each part of each embedding."""
        squares = [np.empty((0, len(self.starts)), np.float32)]
        for start in range(0, len(self.vectors), BLOCK_LISTINGS):
            block = np.asarray(self.vectors[start : start + BLOCK_LISTINGS])
            squares.append(self._dots(block, block))
        return np.concatenate(squares)

    def _dots(self, one: Floats, other: Floats) -> Floats:
        """(p, S): the inner product of each part, of (p, E) and (p, E)."""
        parts = self.reader.slices.values()
        return np.stack([np.einsum("pe,pe->p", one[:, part], other[:, part]) for part in parts], axis=1)

    def _word_norms(self) -> npt.NDArray[np.float64]:
        """(N, 2) the norm of each title's weighted n-grams, for each of `WORD_POWERS`."""
        count = len(self.vectors)
        norms = [np.empty((0, len(WORD_POWERS)))]
        for start in range(0, count, BLOCK_LISTINGS):
            buckets, lengths = self.ngrams.of(np.arange(start, min(start + BLOCK_LISTINGS, count)))
            norms.append(np.sqrt(_sums(self.squares[buckets], lengths)))
        return np.concatenate(norms)

    def _share_words(self, a: Rows, b: Rows) -> npt.NDArray[np.float64]:
        """(P, 2) the weighted cosines of the titles' n-grams, 0 where either has none."""
        order = np.argsort(a, kind="stable")
        shared = np.zeros((len(a), len(WORD_POWERS)))
        firsts, starts = np.unique(a[order], return_index=True)
        for start in range(0, len(firsts), MARKED_LISTINGS):
            end = starts[start + MARKED_LISTINGS] if start + MARKED_LISTINGS < len(firsts) else len(a)
            places = order[starts[start] : end]
            shared[places] = self._shared(firsts[start : start + MARKED_LISTINGS], a[places], b[places])
        norms = self.word_norms[a] * self.word_norms[b]
        return shared / np.where(norms > 0, norms, 1)

    def _shared(self, firsts: Rows, a: Rows, b: Rows) -> npt.NDArray[np.float64]:
        """(p, 2) inner products of the weighted n-grams; `firsts` are the different `a`, ascending."""
        # Titles 0: {2, 3}, 1: {1}, 2: {}, 3: {3, 5}; a = [0, 0, 0, 1], b = [1, 2, 3, 3], firsts = [0, 1]:
        #   marked[0] is True at 2 and 3, marked[1] at 1
        #   others = [1, 3, 5, 3, 5], the buckets of b; lengths = [1, 0, 2, 2]
        #   the rows of `marked` to look in: [0, 0, 0, 1, 1]; is_shared = [False, True, False, False, False]
        #   pairs = [0, 2, 2, 3, 3][is_shared] = [2]: pair 2 shares bucket 3, and the sum of its squared
        #   weights, counted by pair, is [0, 0, squares[3], 0]
        marked = np.zeros((len(firsts), NGRAM_BUCKETS), bool)
        buckets, lengths = self.ngrams.of(firsts)
        marked[np.repeat(np.arange(len(firsts)), lengths), buckets] = True
        others, lengths = self.ngrams.of(b)
        is_shared = marked[np.repeat(np.searchsorted(firsts, a), lengths), others]
        pairs = np.repeat(np.arange(len(b)), lengths)[is_shared]
        weights = self.squares[others[is_shared]]
        return np.stack([np.bincount(pairs, column, len(b)) for column in weights.T], axis=1)


def _sums(values: npt.NDArray[np.float64], lengths: Rows) -> npt.NDArray[np.float64]:
    """(R, 2) the sums of consecutive runs of rows of `values`, of (R,) `lengths`; a run may be empty."""
    runs = np.repeat(np.arange(len(lengths)), lengths)
    return np.stack([np.bincount(runs, column, len(lengths)) for column in values.T], axis=1)


def _ratio(dots: Floats, squares: Floats) -> Floats:
    """Cosines from inner products and the products of squared norms; 0 where a norm is 0."""
    norms = np.sqrt(squares)
    ratio: Floats = (dots / np.where(norms > 1e-12, norms, 1)).astype(np.float32)
    return ratio
