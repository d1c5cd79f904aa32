"""Which pairs of listings are worth comparing: nearest by embedding, or alike by picture.

A shop lists one article thousands of times. Of listings that are the same in all that counts only one, the
head, looks for candidates; the others are paired with their head alone.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from itemsearch.duplicates.pairs.image_hash import ImageHashes, near_pictures
from itemsearch.indexes.arrays import Mask, Rows
from itemsearch.indexes.searching.allowed import Allowed
from itemsearch.indexes.searching.within import search_within
from itemsearch.search.narrow import Narrowing
from itemsearch.search.ranker import Ranker


@dataclass(frozen=True, slots=True)
class Reach:
    """How far candidates are looked for.

    So many `neighbours` of each listing by the joint cosine; and pictures of perceptual hashes at most
    `near_hash` bits apart, each compared with the `window` next ones.
    """

    neighbours: int = 20
    near_hash: int = 6
    window: int = 5


BY_DEFAULT = Reach()


class Candidates:
    """The pairs of an index's products worth comparing, each as one number: see `split`.

    alike: columns whose values tell listings of one content apart. changed: (N,) which products are new or
    different; of any pair at least one is. None: all.
    """

    def __init__(
        self, ranker: Ranker, narrowing: Narrowing, reach: Reach, alike: Sequence[str], changed: Mask | None
    ) -> None:
        self.ranker = ranker
        self.narrowing = narrowing
        self.reach = reach
        self.total = ranker.listings.num_rows
        self.rows = narrowing.rows(self.total)
        self.changed = np.ones(self.total, bool) if changed is None else changed
        self.head = self._heads(alike)
        self.heads = np.unique(self.head[self.rows])
        self.asked = self.heads[self.changed[self.heads]]

    def near(self, asked: Rows) -> Rows:
        """Keys of pairs of (A,) heads with their neighbours."""
        found = self._search(asked, self.narrowing.allowed)
        heads = np.sort(np.where(found >= 0, self.head[found], -1), axis=1)
        others = (np.diff(heads, axis=1, prepend=-1) > 0) & (heads != asked[:, None])
        full = found[:, -1] >= 0
        crowded = np.flatnonzero(full & (others.sum(axis=1) < found.shape[1]))
        pairs = [self._keys(np.repeat(asked, others.sum(axis=1)), heads[others])]
        if crowded.size and len(self.heads) < len(self.rows):
            # Listings that are the same filled the answer: asked again among one of each.
            again = self._search(asked[crowded], self._heads_alone)
            pairs.append(self._keys(np.repeat(asked[crowded], (again >= 0).sum(axis=1)), again[again >= 0]))
        return np.unique(np.concatenate(pairs))

    def alike(self, image_hashes: ImageHashes) -> Rows:
        """Keys of pairs of heads with near pictures."""
        rank = np.empty(self.total, np.int64)
        listings = self.ranker.listings
        by_title = listings["title"] if "title" in listings.column_names else listings["id"]
        rank[pc.sort_indices(by_title).to_numpy()] = np.arange(self.total)
        a, b = near_pictures(image_hashes, self.heads, rank, self.reach.window, self.reach.near_hash)
        kept = self.changed[a] | self.changed[b]
        return self._keys(a[kept], b[kept])

    def same(self, nearest: Rows) -> Rows:
        """Keys of pairs of listings with their heads.

        Where results have to differ in a column, those of one head do not; each is then paired with what its
        head is: `nearest` are the keys so far.
        """
        rows = self.rows[self.head[self.rows] != self.rows]
        heads = self.head[rows]
        if self.narrowing.labels is not None:
            a, b = self.split(nearest)
            partner = np.full(self.total, -1)
            partner[a], partner[b] = b, a
            rows, heads = rows[partner[heads] >= 0], partner[heads][partner[heads] >= 0]
        kept = self.changed[rows] | self.changed[heads]
        return self._keys(rows[kept], heads[kept])

    def split(self, keys: Rows) -> tuple[Rows, Rows]:
        """The rows (P,) and (P,) of keys; the id of the first comes before that of the second."""
        return keys // self.total, keys % self.total

    def _keys(self, a: Rows, b: Rows) -> Rows:
        """Of pairs that may be: both pass the filter and differ where it says so."""
        labels = self.narrowing.labels
        if labels is not None:
            differ = (
                (labels.of_rows[a] != labels.of_rows[b]) & (labels.of_rows[a] >= 0) & (labels.of_rows[b] >= 0)
            )
            a, b = a[differ], b[differ]
        rank = self.ranker.index.tie_rank
        first = rank[a] < rank[b]
        keys: Rows = np.unique(np.where(first, a, b) * self.total + np.where(first, b, a))
        return keys

    def _search(self, asked: Rows, allowed: Allowed | None) -> Rows:
        """(A, k) rows, -1 for none."""
        index = self.ranker.index
        limits = replace(self.narrowing, allowed=allowed).for_rows(asked)
        count = min(self.reach.neighbours, self.total)
        return search_within(index, index.vectors[asked], count, limits)[1]

    @cached_property
    def _heads_alone(self) -> Allowed:
        mask = np.zeros(self.total, bool)
        mask[self.heads] = True
        return self.ranker.index.allow(mask)

    def _heads(self, alike: Sequence[str]) -> Rows:
        """(N,) for each product the first, by id, of those with the same content, label and `alike`."""
        listings, index = self.ranker.listings, self.ranker.index
        if "content_hash" in listings.column_names:
            codes = _codes(listings["content_hash"])
        else:
            codes = np.empty(self.total, np.int64)
            codes[index.distinct.rows] = np.repeat(
                np.arange(len(index.distinct)), np.diff(index.distinct.offsets)
            )
            codes = _together(codes, _codes(listings["title"])) if "title" in listings.column_names else codes
        for column in alike:
            codes = _together(codes, _codes(listings[column]))
        if self.narrowing.labels is not None:
            codes = _together(codes, self.narrowing.labels.of_rows)
        head = np.arange(self.total)
        in_order = self.rows[np.argsort(index.tie_rank[self.rows])]
        _, first, inverse = np.unique(codes[in_order], return_index=True, return_inverse=True)
        head[in_order] = in_order[first[inverse]]
        return head


def blocks(rows: Rows, size: int) -> Iterator[Rows]:
    """Runs of `size`, the last one shorter."""
    for start in range(0, len(rows), size):
        yield rows[start : start + size]


def _codes(column: pa.ChunkedArray) -> Rows:
    """(N,) a number for each different value; a missing one has its own."""
    codes: Rows = (
        pc.dictionary_encode(column.combine_chunks(), null_encoding="encode")
        .indices.to_numpy()
        .astype(np.int64)
    )
    return codes


def _together(codes: Rows, more: Rows) -> Rows:
    """(N,) a number for each different pair of numbers."""
    more = more - more.min(initial=0)
    together: Rows = np.unique(codes * (more.max(initial=0) + 1) + more, return_inverse=True)[1]
    return together
