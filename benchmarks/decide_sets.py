"""The catalogs that deciding is measured on, embedded once and kept in a folder.

Pools are embedded listings; shapes are catalogs put together from a pool: share listed again, one or two
sellers, pictures or titles only. What is chosen is chosen on shapes of `fashion/train` and `offers`; the
other pools are for figures.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq
from itemsearch.duplicates.attributes import read_attributes
from itemsearch.duplicates.variants import RULES, find_conflicts
from PIL import Image

from benchmarks.split_offers import part_of
from itemsearch.catalog.images import decode_image
from itemsearch.embed.encoder import ProductEncoder
from itemsearch.ngrams import NGRAM_BUCKETS, inverse_document_frequency
from itemsearch.ranking.evidence import EvidenceReader
from itemsearch.ranking.pairs import PairReader, TitleNgrams
from itemsearch.relisting.listing import relist
from itemsearch.sample.catalog import draw_catalog
from itemsearch.types import Product

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]

NEIGHBOURS = 20
TRAIN_PRODUCTS, TRAIN_AGAIN, TRAIN_THRICE = 1500, 750, 200
TRAIN_FROM = 3000
"""The shipped encoder has seen none of this file, and its ranking the rows before."""
CARRIED = ("category", "gender", "colour", "season", "usage")
BLOCK = 512
ALIKE = 0.4
"""Joint cosine from which on titles are read for conflicts."""
TEST_AGAIN, GENERAL_AGAIN = 410, 200
"""Queries planted: one in ten of fashion/test."""
DRAWN_PRODUCTS = 600


@dataclass(frozen=True, slots=True)
class Pool:
    """N embedded listings. vectors (N, E) float32 of length 1; plain (N, E): without their pictures.

    product, seller (N,): which product a listing is of, and whose it is.
    """

    vectors: npt.NDArray[np.float32]
    plain: npt.NDArray[np.float32]
    titles: list[str]
    has_image: npt.NDArray[np.bool_]
    product: Ints
    seller: Ints

    def take(self, rows: Ints, seller: Ints | None = None) -> Pool:
        return Pool(
            self.vectors[rows],
            self.plain[rows],
            [self.titles[row] for row in rows.tolist()],
            self.has_image[rows],
            self.product[rows],
            self.seller[rows] if seller is None else seller,
        )

    def without_images(self, lost: npt.NDArray[np.bool_]) -> Pool:
        """`lost` (N,): the listings that lose theirs."""
        vectors = np.where(lost[:, None], self.plain, self.vectors)
        return Pool(vectors, self.plain, self.titles, self.has_image & ~lost, self.product, self.seller)


@dataclass(frozen=True, slots=True)
class Compared:
    """P compared pairs of N listings, each once, a < b. same (P,): the truth. true: pairs of one product
    that may be compared, found or not. product, seller (N,): of listings; seller empty to compare all.
    conflict (P,): told apart by the variant guard."""

    a: Ints
    b: Ints
    joint: Floats
    features: Floats  # (P, F) of `names`
    kinds: Ints
    score: Floats
    same: npt.NDArray[np.bool_]
    true: int
    product: Ints
    seller: Ints
    names: tuple[str, ...]
    conflict: npt.NDArray[np.bool_]


def compare(pool: Pool, encoder: ProductEncoder, across: bool, neighbours: int = NEIGHBOURS) -> Compared:
    """Each listing's nearest `neighbours` by joint cosine, and the evidence on them."""
    frequency = inverse_document_frequency(filter(None, pool.titles), NGRAM_BUCKETS)
    reader = EvidenceReader(encoder.model.config.parts, frequency)
    modalities = np.array([bool(title) for title in pool.titles]) + 2 * pool.has_image.astype(np.int64)
    a, b = _nearest(pool, across, neighbours)
    pairs = PairReader(reader, pool.vectors, TitleNgrams.from_titles(pool.titles), modalities)
    evidence = pairs.compare(a, b)
    assert encoder.ranking is not None, "a model with a ranking is measured"
    return Compared(
        a,
        b,
        evidence.joint.astype(np.float64),
        evidence.features.astype(np.float64),
        evidence.kinds,
        encoder.ranking.score(evidence).astype(np.float64),
        pool.product[a] == pool.product[b],
        true_pairs(pool.product, pool.seller if across else None),
        pool.product,
        pool.seller if across else np.empty(0, np.int64),
        reader.features,
        _conflicts(pool.titles, a, b, evidence.joint),
    )


def _conflicts(titles: list[str], a: Ints, b: Ints, joint: npt.NDArray[np.float32]) -> npt.NDArray[np.bool_]:
    """(P,) whether the variant guard tells the titles apart; of pairs that are alike at all."""
    said = [read_attributes(title, RULES) for title in titles]
    found = np.zeros(len(a), bool)
    for place in np.flatnonzero(joint >= ALIKE).tolist():
        found[place] = bool(find_conflicts(said[a[place]], said[b[place]]))
    return found


def _nearest(pool: Pool, across: bool, neighbours: int) -> tuple[Ints, Ints]:
    count = len(pool.titles)
    keys = []
    for start in range(0, count, BLOCK):
        rows = np.arange(start, min(start + BLOCK, count))
        alike = pool.vectors[rows] @ pool.vectors.T
        alike[np.arange(len(rows)), rows] = -np.inf
        if across:
            alike[pool.seller[rows, None] == pool.seller] = -np.inf
        near = np.argpartition(-alike, min(neighbours, count - 1), axis=1)[:, :neighbours]
        possible = np.isfinite(np.take_along_axis(alike, near, axis=1)).ravel()
        one, other = np.repeat(rows, near.shape[1])[possible], near.ravel()[possible]
        keys.append(np.minimum(one, other) * count + np.maximum(one, other))
    every = np.unique(np.concatenate(keys))
    return every // count, every % count


def true_pairs(product: Ints, seller: Ints | None) -> int:
    """Pairs of one product; of listings of two sellers where `seller` (N,) is given."""
    _, sizes = np.unique(product, return_counts=True)
    total = int((sizes * (sizes - 1) // 2).sum())
    if seller is None:
        return total
    _, within = np.unique(np.stack([product, seller]), axis=1, return_counts=True)
    return total - int((within * (within - 1) // 2).sum())


def pools(data: Path, cache: Path, encoder: ProductEncoder, names: Sequence[str]) -> dict[str, Pool]:
    """The pools named; what is in `cache` already is read."""
    cache.mkdir(parents=True, exist_ok=True)
    found = {}
    for name in names:
        path = cache / f"{name}.npz"
        if not path.exists():
            _embed(MAKERS[name], data, path, encoder)
        with np.load(path, allow_pickle=False) as held:
            columns = {key: held[key] for key in held.files}
        found[name] = Pool(**{**columns, "titles": columns["titles"].tolist()})
    return found


@dataclass(frozen=True, slots=True)
class _Row:
    title: str
    image: Image.Image | None
    product: str
    seller: str


Maker = Callable[[Path], list[_Row]]


def _embed(make: Maker, data: Path, path: Path, encoder: ProductEncoder) -> None:
    rows = make(data)
    titles, images = [row.title for row in rows], [row.image for row in rows]
    vectors = encoder.encode(titles, images)
    np.savez(
        path,
        vectors=vectors,
        plain=encoder.encode(titles, [None] * len(rows)) if make is _fashion_train else vectors,
        titles=np.array(titles),
        has_image=np.array([image is not None for image in images]),
        product=np.unique([row.product for row in rows], return_inverse=True)[1],
        seller=np.unique([row.seller for row in rows], return_inverse=True)[1],
    )


def _picture(cell: dict[str, bytes] | None) -> Image.Image | None:
    return decode_image(cell["bytes"]) if cell and cell["bytes"] else None


def _fashion_train(data: Path) -> list[_Row]:
    table = pq.read_table(data / "fashion/train/part-003.parquet").slice(TRAIN_FROM, TRAIN_PRODUCTS)
    rows, again = [], []
    for place, row in enumerate(table.to_pylist()):
        image = _picture(row["image"])
        rows.append(_Row(row["title"], image, row["id"], "shop"))
        carried = {name: row[name] for name in CARRIED if name in row}
        product = Product(place, row["id"], row["title"], row["category"], image, "")
        rng = np.random.default_rng([7, place])
        for copy in range((place < TRAIN_AGAIN) + (place < TRAIN_THRICE)):
            listed = relist(product, carried, rng)
            again.append(_Row(listed.title, listed.image, row["id"], f"again {copy}"))
    return rows + again


def _offers(data: Path) -> list[_Row]:
    """Those that the shipped ranking, and nothing else, was fitted to; `figures` of them are left alone."""
    with (data / "offers/offers.csv").open(encoding="utf-8") as file:
        read = list(csv.DictReader(file))
    return [
        _Row(r["title"], None, r["product"], r["merchant"])
        for r in read
        if part_of(r["product"]) == "calibrate"
    ]


def _linkage(name: str) -> Maker:
    def make(data: Path) -> list[_Row]:
        with (data / f"linkage/{name}.csv").open(encoding="utf-8") as file:
            read = list(csv.DictReader(file))
        with (data / f"linkage/{name}.truth.csv").open(encoding="utf-8") as file:
            links = [(row["id_a"], row["id_b"]) for row in csv.DictReader(file)]
        head = {row["id"]: row["id"] for row in read}
        changed = True
        while changed:
            changed = False
            for one, other in links:
                low = min(head[one], head[other])
                changed |= head[one] != low or head[other] != low
                head[one] = head[other] = low
        return [_Row(row["title"], None, head[row["id"]], row["seller"]) for row in read]

    return make


def _with_queries(catalog: pa.Table, queries: pa.Table) -> list[_Row]:
    rows = [_Row(r["title"] or "", _picture(r["image"]), r["id"], "shop") for r in catalog.to_pylist()]
    again = [
        _Row(r["title"] or "", _picture(r["image"]), r["expected_id"], "again") for r in queries.to_pylist()
    ]
    return rows + again


def _general(data: Path) -> list[_Row]:
    names = [data / "general" / f"{name}.parquet" for name in ("catalog", "queries")]
    catalog, queries = (pq.read_table(name) for name in names)
    return _with_queries(catalog, queries.slice(0, GENERAL_AGAIN))


def _fashion_test(data: Path) -> list[_Row]:
    again = pq.read_table(data / "fashion/test-relisted-elsewhere.parquet").slice(0, TEST_AGAIN)
    return _with_queries(pq.read_table(data / "fashion/test/part-000.parquet"), again)


def _drawn(data: Path) -> list[_Row]:
    import tempfile

    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "sample"
        draw_catalog(out, DRAWN_PRODUCTS)
        with (out / "catalog.csv").open(encoding="utf-8") as file:
            read = list(csv.DictReader(file))
        with (out / "labels.csv").open(encoding="utf-8") as file:
            group = {row["id"]: row["group"] for row in csv.DictReader(file)}
        pictures = [(out / row["image"]).read_bytes() if row["image"] else b"" for row in read]
    return [
        _Row(
            row["title"],
            Image.open(io.BytesIO(data)).convert("RGB") if data else None,
            group[row["id"]],
            row["seller"],
        )
        for row, data in zip(read, pictures, strict=True)
    ]


MAKERS: dict[str, Maker] = {
    "abt-buy": _linkage("abt-buy"),
    "amazon-google": _linkage("amazon-google"),
    "offers": _offers,
    "fashion-train": _fashion_train,
    "general": _general,
    "fashion-test": _fashion_test,
    "drawn": _drawn,
}
