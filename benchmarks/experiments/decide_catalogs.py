"""The catalogs whose duplicates `decide_tables` measures, each with its true pairs.

Two catalogs of two sellers each, a shop whose queries are planted as listings, a shop whose products another
seller relists, a drawn sample, and training catalogs of no, few and many duplicates.
"""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import partial
from itertools import combinations
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from itemsearch.benchmarks.data.relist import SELLER, SHOP, carried_text_rows, encode_image
from itemsearch.catalog import CatalogConfig, open_catalog
from itemsearch.relisting.listing import relist
from itemsearch.sample.catalog import draw_catalog

FASHION_AGAIN, GENERAL_AGAIN = 410, 200
"""Queries that are planted: of the fashion shop one in ten."""
TRAINING_CATALOG = "fashion/train/part-003.parquet"
TRAINING_FROM, TRAINING_LISTINGS = 3000, 1500
"""The shipped encoder has seen none of this file, and its ranking the rows before."""
TRAINING_SHARES = (0.0, 0.05, 0.5)
DRAWN_PRODUCTS = 600
OTHER_SELLER = "another seller"
CATALOG, TRUTH = "catalog.parquet", "truth.csv"

Pairs = Iterable[tuple[str, str]]


@dataclass(frozen=True, slots=True)
class DecideCatalog:
    """A catalog and its file of true pairs. other: the column in which listings differ, "" for none."""

    catalog: CatalogConfig
    truth: Path
    other: str = ""


def make_catalogs(data: Path, out: Path) -> Mapping[str, Callable[[], DecideCatalog]]:
    """Name to what makes the catalog. A catalog that `out` has already is not made again.

    Args:
        data: holds linkage/, general/ and fashion/.
        out: gets a folder for each catalog but those of linkage/, which are used as they are.
    """
    makers: dict[str, Callable[[], DecideCatalog]] = {
        "abt-buy": partial(_linkage, data, "abt-buy"),
        "amazon-google": partial(_linkage, data, "amazon-google"),
        "general, planted": partial(_once, out / "general", "", partial(_general, data)),
        "fashion, two sellers": partial(_once, out / "fashion", SELLER, partial(_fashion, data)),
        "drawn sample": partial(_drawn, out / "drawn"),
    }
    for share in TRAINING_SHARES:
        folder = out / f"training-{share * 100:.0f}"
        make = partial(_training, data, folder, share)
        makers[f"training fashion, {share:.0%} relisted"] = partial(_once, folder, "", make)
    return makers


def _once(folder: Path, other: str, make: Callable[[], tuple[pa.Table, Pairs]]) -> DecideCatalog:
    if not (folder / TRUTH).exists():
        folder.mkdir(parents=True, exist_ok=True)
        table, pairs = make()
        pq.write_table(table, folder / CATALOG)
        _write_truth(folder / TRUTH, pairs)
    return DecideCatalog(CatalogConfig(str(folder / CATALOG)), folder / TRUTH, other)


def _write_truth(path: Path, pairs: Pairs) -> None:
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(("id_a", "id_b"))
        writer.writerows(pairs)


def _linkage(data: Path, name: str) -> DecideCatalog:
    folder = data / "linkage"
    return DecideCatalog(CatalogConfig(str(folder / f"{name}.csv")), folder / f"{name}.truth.csv", SELLER)


def _planted(catalog: pa.Table, queries: pa.Table) -> tuple[pa.Table, Pairs]:
    """The catalog with queries as further listings, and each query with its expected listing."""
    listed = queries.select(["query_id", "title", "image"]).rename_columns(["id", "title", "image"])
    pairs = zip(queries["expected_id"].to_pylist(), queries["query_id"].to_pylist(), strict=True)
    return pa.concat_tables([catalog, listed], promote_options="permissive"), pairs


def _general(data: Path) -> tuple[pa.Table, Pairs]:
    catalog, queries = (
        pq.read_table(data / "general" / f"{name}.parquet") for name in ("catalog", "queries")
    )
    return _planted(catalog, queries.slice(0, GENERAL_AGAIN))


def _fashion(data: Path) -> tuple[pa.Table, Pairs]:
    """Two sellers of about as many products each: the shop has those that the other relists and half of the
    others, which nobody relists; the rest are the other's own."""
    catalog = pq.read_table(data / "fashion/test")
    queries = pq.read_table(data / "fashion/test-relisted-elsewhere.parquet").slice(0, FASHION_AGAIN)
    again = pc.is_in(catalog["id"], queries["expected_id"]).to_numpy(zero_copy_only=False)
    drawn = np.random.default_rng(0).permutation(catalog.num_rows) % 2 == 1
    table, pairs = _planted(catalog, queries)
    others = np.concatenate([~again & drawn, np.ones(queries.num_rows, bool)])
    sellers = pa.array(np.where(others, OTHER_SELLER, SHOP).tolist())
    return table.append_column(SELLER, sellers), pairs


def _training(data: Path, folder: Path, share: float) -> tuple[pa.Table, Pairs]:
    """Training listings, and a share of them relisted by the generator that the benchmarks use."""
    table = pq.read_table(data / TRAINING_CATALOG).slice(TRAINING_FROM, TRAINING_LISTINGS)
    rows, pairs = [], []
    listed_once = folder / "listed-once.parquet"
    pq.write_table(table.slice(0, round(table.num_rows * share)), listed_once)
    for batch in open_catalog(CatalogConfig(str(listed_once))).batches() if share else ():
        for listing, texts in zip(batch.items, carried_text_rows(batch), strict=True):
            relisted = relist(listing, texts, np.random.default_rng([7, listing.row]))
            image = relisted.image and {"bytes": encode_image(relisted.image), "path": None}
            id = f"{listing.id}:again"
            rows.append({"id": id, "title": relisted.title, "image": image, "category": listing.category})
            pairs.append((listing.id, id))
    listed_once.unlink()
    schema = pa.schema([table.schema.field(name) for name in ("id", "title", "image", "category")])
    again = pa.Table.from_pylist(rows, schema=schema)
    return pa.concat_tables([table, again], promote_options="permissive"), pairs


def _drawn(folder: Path) -> DecideCatalog:
    """The sample as `itemsearch sample-catalog` draws it."""
    if not (folder / TRUTH).exists():
        draw_catalog(folder, DRAWN_PRODUCTS)
        members: dict[str, list[str]] = {}
        with (folder / "labels.csv").open(newline="", encoding="utf-8") as file:
            for row in csv.DictReader(file):
                members.setdefault(row["group"], []).append(row["id"])
        _write_truth(folder / TRUTH, (pair for ids in members.values() for pair in combinations(ids, 2)))
    return DecideCatalog(CatalogConfig(str(folder / "catalog.csv")), folder / TRUTH)
