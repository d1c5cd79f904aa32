"""Learns how to weigh the evidence, from listings that are known, or were made, to be one product."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
import pyarrow as pa
from PIL import Image

from itemsearch.catalog import CatalogConfig, read_catalog
from itemsearch.embed.encoder import ListingEncoder
from itemsearch.errors import EmptyCatalogError
from itemsearch.fit_ranking.fit import Question, fit_ranking, recall_at_1
from itemsearch.ngrams import NGRAM_BUCKETS, inverse_document_frequency
from itemsearch.ranking.evidence import EvidenceReader, ListingArrays
from itemsearch.ranking.ranking import Ranking
from itemsearch.relisting.angle import other_angle
from itemsearch.relisting.listing import Relisting, relist
from itemsearch.types import CatalogBatch

CANDIDATES = 64
HIDDEN = 1 / 3
"""Share of the relistings that lack their title, and share that lack their picture."""
OTHER_ANGLE = 0.5
"""Share of the relisted pictures that show the product from elsewhere before they are edited: a ranking that
only ever saw edits of one photo would trust the picture's details more than they deserve."""


@dataclass(frozen=True, slots=True)
class TrainingQueriesConfig:
    """group: a column that is equal for rows of one product; "" for none. rows: at most so many a catalog."""

    group: str = ""
    rows: int = 4096
    seed: int = 0


@dataclass(frozen=True, slots=True)
class RankingReport:
    """questions: listings that were looked for, those without a second one included. answerable: those with
    a right answer among the `CANDIDATES` nearest by joint cosine.

    by_joint, by_ranking: recall@1 of those. The ranking was fitted to them: no figure to report of a model.
    """

    questions: int
    answerable: int
    by_joint: float
    by_ranking: float


@dataclass(frozen=True, slots=True)
class TrainingQueries:
    """Q listings to look for among N.

    products: (Q,) and (N,) which product each is. own: (Q,) the row among the N that a listing itself is,
    -1 for none.
    """

    asked: ListingArrays
    asked_products: npt.NDArray[np.str_]
    own: npt.NDArray[np.int64]
    gallery: ListingArrays
    gallery_products: npt.NDArray[np.str_]


def learn_ranking(
    catalogs: Sequence[CatalogConfig],
    encoder: ListingEncoder,
    config: TrainingQueriesConfig,
    progress: Callable[[int], None],
) -> tuple[Ranking, RankingReport]:
    """Fits a ranking for `encoder`, to catalogs that it was not trained on: it is too sure of those.

    Rows of a catalog that has the column `config.group` are asked for other rows of their group; those of
    others are listed again and asked for, and asked for as they are: then the nearest are different products,
    such as a catalog of few duplicates is full of. `progress` hears how many rows of a catalog are embedded.

    Raises:
        CatalogError: a catalog cannot be read, or nothing in them can be asked for.
    """
    parts = encoder.model.config.parts
    features = EvidenceReader(parts, np.ones(NGRAM_BUCKETS)).features
    questions: list[Question] = []
    for catalog in catalogs:
        exam = draw_training_queries(catalog, encoder, config, progress)
        frequency = inverse_document_frequency(filter(None, exam.gallery.titles), NGRAM_BUCKETS)
        questions += ask(exam, EvidenceReader(parts, frequency))
    answerable = sum(bool(question.same.any()) for question in questions)
    if not answerable:
        names = ", ".join(catalog.path for catalog in catalogs)
        raise EmptyCatalogError(f"{names}: no listing has a second one among its neighbours to learn from")
    ranking = fit_ranking(questions, features)
    found = recall_at_1(questions, None), recall_at_1(questions, ranking)
    return ranking, RankingReport(len(questions), answerable, *found)


def ask(exam: TrainingQueries, reader: EvidenceReader) -> list[Question]:
    """The evidence on each listing's nearest candidates."""
    questions = []
    count = min(CANDIDATES, len(exam.gallery.titles))
    for place in range(len(exam.asked.titles)):
        joint = exam.gallery.vectors @ exam.asked.vectors[place]
        if exam.own[place] >= 0:
            joint[exam.own[place]] = -np.inf
        nearest = np.argpartition(-joint, count - 1)[:count]
        nearest = nearest[np.isfinite(joint[nearest])]
        same = exam.gallery_products[nearest] == exam.asked_products[place]
        evidence = reader.compare(exam.asked.one(place), exam.gallery.take(nearest))
        questions.append(Question(evidence, same))
    return questions


def draw_training_queries(
    catalog: CatalogConfig,
    encoder: ListingEncoder,
    config: TrainingQueriesConfig,
    progress: Callable[[int], None],
) -> TrainingQueries:
    """Embeds a catalog's first rows, and what is asked for.

    Raises:
        CatalogError: the catalog cannot be read, or has no usable row.
    """
    rng = np.random.default_rng(config.seed)
    gallery, asked, alone = _Embedded([], [], []), _Embedded([], [], []), _Embedded([], [], [])
    products: list[str] = []
    grouped = False
    for batch in _first_rows(catalog, config.rows):
        grouped = config.group in batch.carried.schema.names
        gallery.add(encoder, [p.title for p in batch.listings], [p.image for p in batch.listings])
        if grouped:
            known = batch.carried[config.group].cast(pa.string()).to_pylist()
            products += [group or product.id for group, product in zip(known, batch.listings, strict=True)]
        else:
            products += [product.id for product in batch.listings]
            as_it_is = [Relisting(product.title, product.image, (), ()) for product in batch.listings]
            for side, listings in ((asked, _relist(batch, rng)), (alone, as_it_is)):
                hidden = [_hide(listing, rng) for listing in listings]
                side.add(encoder, [one.title for one in hidden], [one.image for one in hidden])
        progress(len(products))
    names = np.array(products)
    if not products:
        raise EmptyCatalogError(f"{catalog.path}: no usable row: see itemsearch check")
    if grouped:
        return TrainingQueries(gallery.listings(), names, np.arange(len(names)), gallery.listings(), names)
    own = np.concatenate([np.full(len(names), -1), np.arange(len(names))])
    both = asked.and_then(alone)
    return TrainingQueries(both.listings(), np.tile(names, 2), own, gallery.listings(), names)


@dataclass(frozen=True, slots=True)
class _Embedded:
    vectors: list[npt.NDArray[np.float32]]
    titles: list[str]
    has_image: list[bool]

    def add(
        self, encoder: ListingEncoder, titles: Sequence[str], images: Sequence[Image.Image | None]
    ) -> None:
        self.vectors.append(encoder.encode(titles, images))
        self.titles.extend(titles)
        self.has_image.extend(image is not None for image in images)

    def and_then(self, other: _Embedded) -> _Embedded:
        return _Embedded(
            self.vectors + other.vectors, self.titles + other.titles, self.has_image + other.has_image
        )

    def listings(self) -> ListingArrays:
        return ListingArrays(np.concatenate(self.vectors), self.titles, np.array(self.has_image))


def _first_rows(catalog: CatalogConfig, rows: int) -> Iterator[CatalogBatch]:
    """Batches until `rows` products were read, the last one whole."""
    read = 0
    for batch in read_catalog(catalog):
        if batch.listings:
            yield batch
        read += len(batch.listings)
        if read >= rows:
            return


def _relist(batch: CatalogBatch, rng: np.random.Generator) -> list[Relisting]:
    texts = [name for name in batch.carried.schema.names if pa.types.is_string(batch.carried[name].type)]
    carried = batch.carried.select(texts).to_pylist()
    relisted = []
    for product, extra in zip(batch.listings, carried, strict=True):
        if product.image is not None and rng.random() < OTHER_ANGLE:
            product = replace(product, image=other_angle(product.image, rng))
        relisted.append(relist(product, extra, rng))
    return relisted


def _hide(listing: Relisting, rng: np.random.Generator) -> Relisting:
    """Takes a modality from some listings that have both: what is left has to be weighed by itself."""
    chance = rng.random()
    if not listing.title or listing.image is None or chance >= 2 * HIDDEN:
        return listing
    if chance < HIDDEN:
        return Relisting("", listing.image, (), listing.picture_edits)
    return Relisting(listing.title, None, listing.word_edits, ())
