"""Draws training queries from catalogs and fits a ranking to them.

A training query is a listing whose right answers are known: other rows of its group, or the listing that an
edited copy was made of.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Self

import numpy as np
import numpy.typing as npt
import pyarrow as pa
from PIL import Image

from itemsearch.catalog import CatalogConfig, open_catalog
from itemsearch.columns import read_texts, stored_name
from itemsearch.embed.torch_encoder import TorchEncoder
from itemsearch.errors import EmptyCatalogError
from itemsearch.fit_ranking.fit import LabelledEvidence, fit_ranking, joint, recall_at_1
from itemsearch.indexes.arrays import Floats
from itemsearch.indexes.progress import Progress
from itemsearch.ngrams import NGRAM_BUCKETS, inverse_document_frequency
from itemsearch.ranking.evidence import Evidence, EvidenceReader, ListingArrays
from itemsearch.ranking.ranking import Ranking
from itemsearch.relisting.angle import other_angle
from itemsearch.relisting.listing import Relisting, relist
from itemsearch.types import Listing, RowBatch

CANDIDATES = 64
HIDDEN = 1 / 3
"""Share of the relisted queries that lose their title, and share that lose their image."""
OTHER_ANGLE = 0.5
"""Share of the relisted images that show the product from another angle before they are edited: a ranking
fitted to edits of one photo alone would weigh the details of images too much."""


@dataclass(frozen=True, slots=True)
class TrainingQueriesConfig:
    """How training queries are drawn.

    group: a column that is equal for rows of one product; "" for none. rows: how many listings of a catalog
    are used, at most.
    """

    group: str = ""
    rows: int = 4096
    seed: int = 0


@dataclass(frozen=True, slots=True)
class CatalogRecall:
    """recall@1 of the answerable queries of one catalog: by the joint cosine, by the best single feature, and
    by the ranking, which was fitted to all catalogs together and may serve one of them worse than its
    pieces do."""

    catalog: str
    answerable: int
    by_joint: float
    best_feature: str
    by_best_feature: float
    by_ranking: float

    @classmethod
    def of(cls, catalog: str, queries: Sequence[LabelledEvidence], ranking: Ranking) -> Self:
        """Of one answerable query or more."""
        by_feature = {
            name: recall_at_1(queries, partial(_feature, place))
            for place, name in enumerate(ranking.features)
        }
        best = max(by_feature, key=by_feature.__getitem__)
        return cls(
            catalog,
            sum(bool(query.same.any()) for query in queries),
            recall_at_1(queries, joint),
            best,
            by_feature[best],
            recall_at_1(queries, ranking.score),
        )

    @property
    def loses(self) -> bool:
        """Whether the ranking finds less than one of its pieces."""
        return self.by_ranking < max(self.by_joint, self.by_best_feature)


def _feature(place: int, evidence: Evidence) -> Floats:
    values: Floats = evidence.features[:, place]
    return values


@dataclass(frozen=True, slots=True)
class RankingReport:
    """Counts and recalls of a fitted ranking.

    queries: all training queries. answerable: those with a right answer among the `CANDIDATES` nearest by
    joint cosine. by_joint, by_ranking: recall@1 of those. The ranking was fitted to them, so the recalls are
    no measure of a model. catalogs: the recalls of each catalog's queries.
    """

    queries: int
    answerable: int
    by_joint: float
    by_ranking: float
    catalogs: tuple[CatalogRecall, ...]


@dataclass(frozen=True, slots=True)
class TrainingQueries:
    """Q queries and the N listings of a gallery that they are searched in.

    query_products, gallery_products: (Q,) and (N,) text, the product of each. own: (Q,) int64, the row of the
    gallery that a query itself is; -1 for none.
    """

    queries: ListingArrays
    query_products: npt.NDArray[np.str_]
    own: npt.NDArray[np.int64]
    gallery: ListingArrays
    gallery_products: npt.NDArray[np.str_]


def fit_ranking_to_catalogs(
    catalogs: Sequence[CatalogConfig],
    encoder: TorchEncoder,
    config: TrainingQueriesConfig,
    progress: Progress,
) -> tuple[Ranking, RankingReport]:
    """Fits a ranking for `encoder` to catalogs; on those it was trained on, similarities would be too high.

    Where a catalog has the column `config.group`, its rows are queries whose answers are the other rows of
    their group. Where it has not, each listing gives two queries: an edited copy, whose answer is the
    listing, and the listing itself, which has no answer: its candidates are other products.

    Args:

    Raises:
        CatalogError: a catalog cannot be read, or no query has a right answer among its candidates.
    """
    parts = encoder.model.config.parts
    features = EvidenceReader(parts, np.ones(NGRAM_BUCKETS)).features
    by_catalog: list[tuple[str, list[LabelledEvidence]]] = []
    for catalog in catalogs:
        training = draw_training_queries(catalog, encoder, config, progress)
        frequency = inverse_document_frequency(filter(None, training.gallery.titles), NGRAM_BUCKETS)
        by_catalog.append((catalog.path, label_candidates(training, EvidenceReader(parts, frequency))))
    labelled = [query for _, queries in by_catalog for query in queries]
    progress("fitting the ranking")
    answerable = sum(bool(query.same.any()) for query in labelled)
    if not answerable:
        names = ", ".join(catalog.path for catalog in catalogs)
        raise EmptyCatalogError(f"{names}: no listing has a second one among its neighbours to learn from")
    ranking = fit_ranking(labelled, features)
    by_joint, by_ranking = recall_at_1(labelled, joint), recall_at_1(labelled, ranking.score)
    recalls = tuple(
        CatalogRecall.of(path, queries, ranking)
        for path, queries in by_catalog
        if any(query.same.any() for query in queries)
    )
    return ranking, RankingReport(len(labelled), answerable, by_joint, by_ranking, recalls)


def label_candidates(training: TrainingQueries, reader: EvidenceReader) -> list[LabelledEvidence]:
    """Compares each query with its `CANDIDATES` nearest listings of the gallery, itself left out."""
    labelled = []
    count = min(CANDIDATES, len(training.gallery.titles))
    for place in range(len(training.queries.titles)):
        joint = training.gallery.vectors @ training.queries.vectors[place]
        if training.own[place] >= 0:
            joint[training.own[place]] = -np.inf
        nearest = np.argpartition(-joint, count - 1)[:count]
        nearest = nearest[np.isfinite(joint[nearest])]
        same = training.gallery_products[nearest] == training.query_products[place]
        evidence = reader.compare(training.queries.one(place), training.gallery.take(nearest))
        labelled.append(LabelledEvidence(evidence, same))
    return labelled


def draw_training_queries(
    catalog: CatalogConfig,
    encoder: TorchEncoder,
    config: TrainingQueriesConfig,
    progress: Progress,
) -> TrainingQueries:
    """Embeds the first rows of a catalog and the queries that are made of them.

    Raises:
        CatalogError: the catalog cannot be read, or has no usable row.
    """
    rng = np.random.default_rng(config.seed)
    gallery, edited, unedited = _Embedded([], [], []), _Embedded([], [], []), _Embedded([], [], [])
    products: list[str] = []
    grouped, column = False, stored_name(config.group)
    for batch in _first_rows(catalog, config.rows):
        grouped = column in batch.carried.schema.names
        gallery.add(encoder, [one.title for one in batch.items], [one.image for one in batch.items])
        if grouped:
            groups = read_texts(batch.carried, column)
            products += [group or listing.id for group, listing in zip(groups, batch.items, strict=True)]
        else:
            products += [listing.id for listing in batch.items]
            copies = [Relisting(listing.title, listing.image, (), ()) for listing in batch.items]
            for side, listings in ((edited, _relist(batch, rng)), (unedited, copies)):
                hidden = [_hide(listing, rng) for listing in listings]
                side.add(encoder, [one.title for one in hidden], [one.image for one in hidden])
        progress("listings embedded", len(products))
    if not products:
        raise EmptyCatalogError(f"{catalog.path}: no usable row: see itemsearch check")
    rows, product_of = np.arange(len(products)), np.array(products)
    if grouped:
        return TrainingQueries(gallery.listings(), product_of, rows, gallery.listings(), product_of)
    queries, own = edited.joined(unedited), np.concatenate([np.full(len(rows), -1), rows])
    return TrainingQueries(queries.listings(), np.tile(product_of, 2), own, gallery.listings(), product_of)


@dataclass(frozen=True, slots=True)
class _Embedded:
    """Listings that were embedded so far, batch by batch."""

    vectors: list[npt.NDArray[np.float32]]
    titles: list[str]
    has_image: list[bool]

    def add(self, encoder: TorchEncoder, titles: Sequence[str], images: Sequence[Image.Image | None]) -> None:
        self.vectors.append(encoder.encode(titles, images))
        self.titles.extend(titles)
        self.has_image.extend(image is not None for image in images)

    def joined(self, other: _Embedded) -> _Embedded:
        return _Embedded(
            self.vectors + other.vectors, self.titles + other.titles, self.has_image + other.has_image
        )

    def listings(self) -> ListingArrays:
        return ListingArrays(np.concatenate(self.vectors), self.titles, np.array(self.has_image))


def _first_rows(catalog: CatalogConfig, rows: int) -> Iterator[RowBatch[Listing]]:
    """Yields batches until `rows` listings were read, the last batch whole."""
    read = 0
    for batch in open_catalog(catalog).batches():
        if batch.items:
            yield batch
        read += len(batch.items)
        if read >= rows:
            return


def _relist(batch: RowBatch[Listing], rng: np.random.Generator) -> list[Relisting]:
    """Edits each listing as another seller would write and photograph it."""
    texts = [name for name in batch.carried.schema.names if pa.types.is_string(batch.carried[name].type)]
    carried = batch.carried.select(texts).to_pylist()
    relisted = []
    for listing, extra in zip(batch.items, carried, strict=True):
        if listing.image is not None and rng.random() < OTHER_ANGLE:
            listing = replace(listing, image=other_angle(listing.image, rng))
        relisted.append(relist(listing, extra, rng))
    return relisted


def _hide(listing: Relisting, rng: np.random.Generator) -> Relisting:
    """Takes the title or the image from some listings that have both, so that each is weighed alone too."""
    chance = rng.random()
    if not listing.title or listing.image is None or chance >= 2 * HIDDEN:
        return listing
    if chance < HIDDEN:
        return Relisting("", listing.image, (), listing.picture_edits)
    return Relisting(listing.title, None, listing.word_edits, ())
