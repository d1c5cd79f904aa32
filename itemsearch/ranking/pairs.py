"""The evidence on many pairs at once: what `EvidenceReader.compare` says, for a whole catalog's pairs.

Shapes: N listings, P pairs, E embedding size, S parts of the embedding.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from itemsearch.indexes.arrays import Floats, Rows
from itemsearch.ngrams import NGRAM_BUCKETS, ngram_buckets
from itemsearch.ranking.evidence import IMAGE_PARTS, WORD_POWERS, Evidence, EvidenceReader

BLOCK_PAIRS = 8192
BLOCK_LISTINGS = 65_536
MARKED_LISTINGS = 256
"""Titles whose n-grams are marked at once, a byte each: 8 MiB, which stays in a processor's cache."""


@dataclass(frozen=True, slots=True)
class TitleNgrams:
    """The n-gram buckets of N titles: title n has `buckets[offsets[n] : offsets[n + 1]]`, ascending.

    buckets uint16, for a million titles take 150 MB; offsets (N + 1,) int64.
    """

    buckets: npt.NDArray[np.uint16]
    offsets: Rows

    @classmethod
    def from_titles(cls, titles: Iterable[str]) -> TitleNgrams:
        """Of titles, "" for none."""
        read = [ngram_buckets(title, NGRAM_BUCKETS).astype(np.uint16) for title in titles]
        ends = np.cumsum([len(buckets) for buckets in read], dtype=np.int64)
        return cls(np.concatenate([np.empty(0, np.uint16), *read]), np.append(0, ends))

    @classmethod
    def joined(cls, parts: list[TitleNgrams]) -> TitleNgrams:
        """Parts in order as one."""
        lengths = np.concatenate([np.diff(part.offsets) for part in parts])
        return cls(np.concatenate([part.buckets for part in parts]), np.append(0, np.cumsum(lengths)))

    def of(self, rows: Rows) -> tuple[npt.NDArray[np.uint16], Rows]:
        """The buckets of (R,) titles one after the other, and the (R,) lengths."""
        lengths = self.offsets[rows + 1] - self.offsets[rows]
        starts = self.offsets[rows] - (np.cumsum(lengths) - lengths)
        places = np.arange(lengths.sum()) + np.repeat(starts, lengths)
        return self.buckets[places], lengths


class PairReader:
    """Compares N listings by row. vectors (N, E) of length 1; modalities (N,): bit 1 for a title, 2 for a
    picture."""

    def __init__(
        self, reader: EvidenceReader, vectors: Floats, ngrams: TitleNgrams, modalities: Rows
    ) -> None:
        self.reader = reader
        self.vectors = vectors
        self.ngrams = ngrams
        self.modalities = modalities
        self.squares = np.ascontiguousarray(reader.squares.T)  # (2, B) -> (B, 2)
        self.starts = [part.start for part in reader.slices.values()]
        self.part_squares = self._part_squares()
        self.word_norms = self._word_norms()

    def compare(self, a: Rows, b: Rows) -> Evidence:
        """The evidence on (P,) pairs; quickest where pairs of one `a` are together."""
        dots = np.concatenate([np.empty((0, len(self.starts)), np.float32), *self._part_dots(a, b)])
        words = self._share_words(a, b)  # (P, 2)
        kinds = self.modalities[a] & self.modalities[b]
        names = list(self.reader.slices)
        own = [place for place, name in enumerate(names) if name in IMAGE_PARTS]
        compared = [place for place, name in enumerate(names) if name in self.reader.features]
        lengths = self.part_squares[a] * self.part_squares[b]  # (P, S) squares of products of norms
        picture = self.part_squares[a][:, own].sum(axis=1) * self.part_squares[b][:, own].sum(axis=1)
        image = _ratio(dots[:, own].sum(axis=1), picture)
        features = np.column_stack([_ratio(dots[:, compared], lengths[:, compared]), words])
        return Evidence(
            joint=np.clip(dots.sum(axis=1), -1, 1),
            title=np.where(kinds & 1, words[:, 0], np.nan).astype(np.float32),
            image=np.where((kinds >= 2) & bool(own), image, np.nan).astype(np.float32),
            features=features.astype(np.float32),
            kinds=kinds,
        )

    def _part_dots(self, a: Rows, b: Rows) -> list[Floats]:
        """(p, S) for blocks of pairs: the inner product of each part of the embeddings."""
        blocks = [slice(start, start + BLOCK_PAIRS) for start in range(0, len(a), BLOCK_PAIRS)]
        return [self._dots(self.vectors[a[block]], self.vectors[b[block]]) for block in blocks]

    def _part_squares(self) -> Floats:
        """(N, S) the squared length of each part of each embedding."""
        found = [np.empty((0, len(self.starts)), np.float32)]
        for start in range(0, len(self.vectors), BLOCK_LISTINGS):
            block = np.asarray(self.vectors[start : start + BLOCK_LISTINGS])
            found.append(self._dots(block, block))
        return np.concatenate(found)

    def _dots(self, one: Floats, other: Floats) -> Floats:
        """(p, S) of (p, E) and (p, E)."""
        parts = self.reader.slices.values()
        return np.stack([np.einsum("pe,pe->p", one[:, part], other[:, part]) for part in parts], axis=1)

    def _word_norms(self) -> npt.NDArray[np.float64]:
        """(N, 2) the length of each title's weighted n-grams, for each of `WORD_POWERS`."""
        count = len(self.vectors)
        found = [np.empty((0, len(WORD_POWERS)))]
        for start in range(0, count, BLOCK_LISTINGS):
            buckets, lengths = self.ngrams.of(np.arange(start, min(start + BLOCK_LISTINGS, count)))
            found.append(np.sqrt(_sums(self.squares[buckets], lengths)))
        return np.concatenate(found)

    def _share_words(self, a: Rows, b: Rows) -> npt.NDArray[np.float64]:
        """(P, 2) the weighted cosines of the titles' n-grams, 0 where either has none."""
        order = np.argsort(a, kind="stable")
        shared = np.zeros((len(a), len(WORD_POWERS)))
        heads, firsts = np.unique(a[order], return_index=True)
        for start in range(0, len(heads), MARKED_LISTINGS):
            end = firsts[start + MARKED_LISTINGS] if start + MARKED_LISTINGS < len(heads) else len(a)
            places = order[firsts[start] : end]
            shared[places] = self._shared(heads[start : start + MARKED_LISTINGS], a[places], b[places])
        norms = self.word_norms[a] * self.word_norms[b]
        return shared / np.where(norms > 0, norms, 1)

    def _shared(self, heads: Rows, a: Rows, b: Rows) -> npt.NDArray[np.float64]:
        """(p, 2) the weights of the n-grams that two titles share; `a` are among the sorted `heads`."""
        marked = np.zeros((len(heads), NGRAM_BUCKETS), bool)
        buckets, lengths = self.ngrams.of(heads)
        marked[np.repeat(np.arange(len(heads)), lengths), buckets] = True
        others, lengths = self.ngrams.of(b)
        is_shared = marked[np.repeat(np.searchsorted(heads, a), lengths), others]
        pairs = np.repeat(np.arange(len(b)), lengths)[is_shared]
        weights = self.squares[others[is_shared]]
        return np.stack([np.bincount(pairs, column, len(b)) for column in weights.T], axis=1)


def _sums(values: npt.NDArray[np.float64], lengths: Rows) -> npt.NDArray[np.float64]:
    """(R, 2) sums of runs of `lengths` (R,) of the rows of `values`; a run may be empty."""
    runs = np.repeat(np.arange(len(lengths)), lengths)
    return np.stack([np.bincount(runs, column, len(lengths)) for column in values.T], axis=1)


def _ratio(dots: Floats, squares: Floats) -> Floats:
    """Cosines from inner products and the products of squared norms; 0 where a part is missing."""
    norms = np.sqrt(squares)
    ratio: Floats = (dots / np.where(norms > 1e-12, norms, 1)).astype(np.float32)
    return ratio
