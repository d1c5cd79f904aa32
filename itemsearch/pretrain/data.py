"""The training table: catalogs as one Arrow file, and the order in which training uses its rows."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
from PIL import Image

from itemsearch.catalog import CatalogConfig, open_catalog
from itemsearch.columns import stored_name
from itemsearch.errors import EmptyCatalogError, ModelError
from itemsearch.indexes.durable import replacing
from itemsearch.indexes.progress import Progress, silent
from itemsearch.pretrain.config import PretrainConfig
from itemsearch.types import Listing, RowBatch

STORED_SIDE = 256
"""Longest side in pixels of the pictures in the training table, so that an epoch reads little."""
MAX_ATTRIBUTE_LENGTH = 40
"""Characters of a text column's value beyond which it is a description and no attribute."""

SCHEMA = pa.schema(
    {
        "title": pa.string(),
        "category": pa.string(),
        "group": pa.string(),
        "attributes": pa.string(),
        "image": pa.binary(),
    }
)
"""group: "" where unknown. attributes: a JSON object of column names to values. image: a JPEG, or null."""


def prepare_catalogs(
    catalogs: Sequence[CatalogConfig], path: Path, group: str, progress: Progress = silent
) -> int:
    """Writes the training table of `catalogs`, one after the other, as an Arrow file for memory-mapping.

    Args:
        group: the column whose values are equal for listings of one product; "" for none.

    Returns:
        The number of rows read, those of rejected listings included.

    Raises:
        CatalogError: a catalog cannot be read, or has no usable row.
        ModelError: no catalog has the column `group`.
    """
    rows = listings = 0
    has_group, column = not group, stored_name(group)
    with (
        replacing(path) as temporary,
        pa.OSFile(str(temporary), "wb") as sink,
        pa.ipc.new_file(sink, SCHEMA) as writer,
    ):
        for number, catalog in enumerate(catalogs):
            before = listings
            for batch in open_catalog(catalog).batches():
                has_group |= column in batch.carried.schema.names
                rows, listings = rows + batch.rows, listings + len(batch.items)
                writer.write_batch(_training_rows(batch, column, number))
                progress("rows read", rows)
            if listings == before:
                raise EmptyCatalogError(f"{catalog.path}: none of its rows is usable: see itemsearch check")
        if not has_group:
            raise ModelError(f"relisting.group is {group!r}: no catalog has a column of that name")
    return rows


def _training_rows(batch: RowBatch[Listing], group: str, catalog: int) -> pa.RecordBatch:
    """Rows of `SCHEMA`; the catalog's number prefixes its groups, so that two catalogs never share one."""
    columns: dict[str, list[Any]] = {name: [] for name in SCHEMA.names}
    types = {field.name: field.type for field in batch.carried.schema}
    groups = batch.carried[group].cast(pa.string()) if group in types else pa.nulls(len(batch.items))
    text_columns = [name for name, type in types.items() if pa.types.is_string(type) and name != group]
    carried = batch.carried.select(text_columns).to_pylist()
    for listing, value, texts in zip(batch.items, groups.to_pylist(), carried, strict=True):
        attributes = {
            name: text for name, text in texts.items() if text and len(text) <= MAX_ATTRIBUTE_LENGTH
        }
        columns["title"].append(listing.title)
        columns["category"].append(listing.category)
        columns["group"].append(f"{catalog}:{value}" if value else "")
        columns["attributes"].append(json.dumps(attributes))
        columns["image"].append(None if listing.image is None else _small_jpeg(listing.image))
    return pa.record_batch(columns, schema=SCHEMA)


def _small_jpeg(image: Image.Image) -> bytes:
    small = image.copy()
    small.thumbnail((STORED_SIDE, STORED_SIDE))
    buffer = io.BytesIO()
    small.save(buffer, "JPEG", quality=92)
    return buffer.getvalue()


def split_held_out(
    rows: int, held_out: int, seed: int
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Row numbers to train on, sorted, and to validate on: `held_out` of them, at most a tenth of all."""
    order = np.random.default_rng(seed).permutation(rows)
    count = min(held_out, rows // 10)
    return np.sort(order[count:]), order[:count]


def plan_rows(
    rows: npt.NDArray[np.int64], table: pa.Table, batches: int, config: PretrainConfig
) -> npt.NDArray[np.int64]:
    """(batches * batch_size,) int64: the row of `table` for each place of each batch, drawn by `train.seed`.

    The rows of one contrast (`TrainConfig.contrast_size`) are drawn together. A share of these draws,
    `relisting.same_category`, is filled from one leaf category as far as it goes, so that the contrast is
    among very similar products. All other places are filled in epochs over all rows. No two rows of one group
    are contrasted, since they are the same product.

    Four rows in one category, rows 0 and 1 in one group, two listings contrasted at once: a draw is {0, 2},
    {0, 3}, {1, 2}, {1, 3} or {2, 3}, in any order, never {0, 1}.
    """
    rng = np.random.default_rng([config.train.seed, 1])
    categories, groups = table["category"].to_pylist(), table["group"].to_pylist()
    product_of = {row: groups[row] or str(row) for row in rows.tolist()}
    rows_by_category: dict[str, list[int]] = {}
    for row in rows.tolist():
        rows_by_category.setdefault(categories[row], []).append(row)
    leaves = [members for name, members in sorted(rows_by_category.items()) if name and len(members) > 1]
    leaf_sizes = np.array([len(members) for members in leaves], float)
    epochs, product_count = _epochs(rows, rng), len(set(product_of.values()))
    size = config.train.contrast_size
    planned: list[int] = []
    for _ in range(batches * config.train.batch_size // size):
        row_of_product: dict[str, int] = {}
        if leaves and rng.random() < config.relisting.same_category:
            leaf = leaves[rng.choice(len(leaves), p=leaf_sizes / leaf_sizes.sum())]
            for row in rng.permutation(leaf)[:size].tolist():
                row_of_product.setdefault(product_of[row], row)
        while len(row_of_product) < min(size, product_count):
            row = next(epochs)
            row_of_product.setdefault(product_of[row], row)
        # A catalog with fewer products than places repeats some of them.
        repeated = (next(epochs) for _ in range(size - len(row_of_product)))
        planned.extend([*row_of_product.values(), *repeated])
    return np.array(planned, np.int64)


def _epochs(rows: npt.NDArray[np.int64], rng: np.random.Generator) -> Iterator[int]:
    """Endless permutations of `rows`, one after the other."""
    while True:
        yield from rng.permutation(rows).tolist()


def rows_of_groups(table: pa.Table, rows: npt.NDArray[np.int64]) -> dict[str, list[int]]:
    """The numbers among `rows` by group; rows without a group are left out."""
    groups: dict[str, list[int]] = {}
    for row in rows.tolist():
        if group := table["group"][row].as_py():
            groups.setdefault(group, []).append(row)
    return groups
