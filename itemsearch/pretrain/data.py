"""From a catalog to pre-training batches: the same batches at the same steps, whenever they are asked for."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import torch
from PIL import Image
from torch.utils.data import Dataset

from itemsearch.catalog import CatalogConfig, read_catalog
from itemsearch.errors import EmptyCatalogError, ModelError
from itemsearch.indexes.durable import replacing
from itemsearch.model import EncoderInput, ITEmProcessor
from itemsearch.model.pretraining import PretrainBatch
from itemsearch.objectives.masking import Vocabulary, mask_patches, mask_words, swap_pictures
from itemsearch.pretrain.config import MaskingConfig, PretrainConfig, RelistingConfig
from itemsearch.relisting.angle import other_angle
from itemsearch.relisting.pictures import rephotograph
from itemsearch.relisting.words import reword
from itemsearch.types import CatalogBatch

STORED_SIDE = 256
"""Pixels a side to which pictures are reduced before training: an epoch then reads little."""

SCHEMA = pa.schema(
    {
        "title": pa.string(),
        "category": pa.string(),
        "group": pa.string(),
        "attributes": pa.string(),
        "image": pa.binary(),
    }
)


@dataclass(frozen=True, slots=True)
class Example:
    """Two listings of one product, and the seed of what is hidden in them."""

    titles: tuple[str, str]
    images: tuple[Image.Image | None, Image.Image | None]
    seed: int


def prepare_catalogs(catalogs: Sequence[CatalogConfig], path: Path, group: str) -> tuple[int, int]:
    """Writes what training reads of the catalogs as one Arrow file that can be mapped into memory.

    Args:
        group: the column that is equal for rows of one product; "" for none.

    Returns:
        Rows read, and products kept.

    Raises:
        CatalogError: a catalog cannot be read, or no row of it is usable.
        ModelError: no catalog has the column `group`.
    """
    rows = kept = 0
    grouped = not group
    with (
        replacing(path) as temporary,
        pa.OSFile(str(temporary), "wb") as sink,
        pa.ipc.new_file(sink, SCHEMA) as writer,
    ):
        for number, catalog in enumerate(catalogs):
            before = kept
            for batch in read_catalog(catalog):
                grouped |= group in batch.carried.schema.names
                rows, kept = rows + batch.rows, kept + len(batch.listings)
                writer.write_batch(_prepared(batch, group, number))
            if kept == before:
                raise EmptyCatalogError(f"{catalog.path}: none of its rows is usable: see itemsearch check")
        if not grouped:
            raise ModelError(f"relisting.group is {group!r}: no catalog has a column of that name")
    return rows, kept


def _prepared(batch: CatalogBatch, group: str, catalog: int) -> pa.RecordBatch:
    columns: dict[str, list[Any]] = {name: [] for name in SCHEMA.names}
    held = {field.name: field.type for field in batch.carried.schema}
    known = batch.carried[group].cast(pa.string()) if group in held else pa.nulls(len(batch.listings))
    texts = [name for name, kind in held.items() if pa.types.is_string(kind) and name != group]
    carried = batch.carried.select(texts).to_pylist()
    for product, same, extra in zip(batch.listings, known.to_pylist(), carried, strict=True):
        attributes = {name: value for name, value in extra.items() if value and len(value) <= 40}
        columns["title"].append(product.title)
        columns["category"].append(product.category)
        columns["group"].append(f"{catalog}:{same}" if same else "")
        columns["attributes"].append(json.dumps(attributes))
        columns["image"].append(None if product.image is None else _stored(product.image))
    return pa.record_batch(columns, schema=SCHEMA)


def _stored(image: Image.Image) -> bytes:
    small = image.copy()
    small.thumbnail((STORED_SIDE, STORED_SIDE))
    buffer = io.BytesIO()
    small.save(buffer, "JPEG", quality=92)
    return buffer.getvalue()


def split_held_out(
    rows: int, held_out: int, seed: int
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Row numbers to train on and to validate on; validation takes at most a tenth."""
    order = np.random.default_rng(seed).permutation(rows)
    count = min(held_out, rows // 10)
    return np.sort(order[count:]), order[:count]


def plan_rows(
    rows: npt.NDArray[np.int64], table: pa.Table, batches: int, config: PretrainConfig
) -> npt.NDArray[np.int64]:
    """(batches * batch_size,) the row that each place of each batch trains on, by the config's seed.

    A share of what is contrasted at once holds one leaf category as far as it goes, so that extremely
    similar products must be told apart; the others, and the rest of those, are drawn in epochs over all
    rows. No two rows of one group are contrasted: one product would be pushed apart.
    """
    rng = np.random.default_rng([config.train.seed, 1])
    categories, groups = table["category"].to_pylist(), table["group"].to_pylist()
    product = {row: groups[row] or str(row) for row in rows.tolist()}
    by_category: dict[str, list[int]] = {}
    for row in rows.tolist():
        by_category.setdefault(categories[row], []).append(row)
    alike = [rows for name, rows in sorted(by_category.items()) if name and len(rows) > 1]
    weights = np.array([len(rows) for rows in alike], float)
    epochs, different = _epochs(rows, rng), len(set(product.values()))
    size = config.train.contrasted
    planned: list[int] = []
    for _ in range(batches * config.train.batch_size // size):
        batch: dict[str, int] = {}
        if alike and rng.random() < config.relisting.same_category:
            category = alike[rng.choice(len(alike), p=weights / weights.sum())]
            for row in rng.permutation(category)[:size].tolist():
                batch.setdefault(product[row], row)
        while len(batch) < min(size, different):
            row = next(epochs)
            batch.setdefault(product[row], row)
        # A catalog smaller than a batch has to repeat itself.
        planned.extend([*batch.values(), *(next(epochs) for _ in range(size - len(batch)))])
    return np.array(planned, np.int64)


def _epochs(rows: npt.NDArray[np.int64], rng: np.random.Generator) -> Iterator[int]:
    while True:
        yield from rng.permutation(rows).tolist()


class RelistedProducts(Dataset[Example]):
    """Item i: product `plan[i]`, listed twice; what differs depends on the seed and i alone.

    Where another row of the same group is known, it is the second listing, in its own seller's words.
    """

    def __init__(
        self,
        table: pa.Table,
        plan: npt.NDArray[np.int64],
        groups: Mapping[str, Sequence[int]],
        config: RelistingConfig,
        seed: int,
    ) -> None:
        self.table = table
        self.plan = plan
        self.groups = groups
        self.config = config
        self.seed = seed

    def __len__(self) -> int:
        return len(self.plan)

    def __getitem__(self, place: int) -> Example:
        rng = np.random.default_rng([self.seed, 2, place])
        row = int(self.plan[place])
        same = [other for other in self.groups.get(self.table["group"][row].as_py(), ()) if other != row]
        if same:
            rows = (row, same[int(rng.integers(len(same)))])
            titles = [self.table["title"][listed].as_py() for listed in rows]
        else:
            rows = (row, row)
            titles = [self._reword(row, rng) for _ in rows]
        images = [self._rephotograph(listed, rng) for listed in rows]
        hidden = rng.random()
        if titles[1] and images[1] is not None:
            if hidden < self.config.hide_title:
                titles[1] = ""
            elif hidden < self.config.hide_title + self.config.hide_image:
                images[1] = None
        return Example((titles[0], titles[1]), (images[0], images[1]), int(rng.integers(2**62)))

    def _reword(self, row: int, rng: np.random.Generator) -> str:
        attributes = {"category": self.table["category"][row].as_py()}
        attributes |= json.loads(self.table["attributes"][row].as_py())
        edits = int(rng.integers(self.config.word_edits + 1))
        return reword(self.table["title"][row].as_py(), attributes, rng, edits)[0]

    def _rephotograph(self, row: int, rng: np.random.Generator) -> Image.Image | None:
        encoded = self.table["image"][row].as_py()
        if encoded is None:
            return None
        image = Image.open(io.BytesIO(encoded)).convert("RGB")
        if rng.random() < self.config.other_angle:
            image = other_angle(image, rng)
        return rephotograph(image, rng, int(rng.integers(self.config.picture_edits + 1)))[0]


def rows_of_groups(table: pa.Table, rows: npt.NDArray[np.int64]) -> dict[str, list[int]]:
    """Which of `rows` are known to be one product, by group; rows without a group are left out."""
    groups: dict[str, list[int]] = {}
    for row in rows.tolist():
        if group := table["group"][row].as_py():
            groups.setdefault(group, []).append(row)
    return groups


@dataclass(frozen=True, slots=True)
class Collator:
    """Examples -> one batch of tensors, with its words and patches hidden."""

    processor: ITEmProcessor
    patches: int
    masking: MaskingConfig
    contrast: bool

    def __call__(self, examples: Sequence[Example]) -> PretrainBatch:
        generator = torch.Generator().manual_seed(examples[0].seed)
        first = self._listings(examples, 0)
        source = swap_pictures(first.has_image & first.has_title, self.masking.swapped_pictures, generator)
        tokenizer = self.processor.tokenizer
        vocabulary = Vocabulary(len(tokenizer), tokenizer.mask_token_id, tuple(tokenizer.all_special_ids))
        input_ids, labels = mask_words(first.input_ids, vocabulary, self.masking.words, generator)
        pixels = first.pixel_values
        patches = 0 if pixels is None else self.patches
        masked = replace(
            first,
            input_ids=input_ids,
            pixel_values=None if pixels is None else pixels[source],
            patch_mask=mask_patches(len(examples), patches, self.masking.patches, generator),
        )
        return PretrainBatch(
            first=masked,
            second=self._listings(examples, 1) if self.contrast else None,
            labels=labels[:, 1:],
            matched=source == torch.arange(len(examples)),
        )

    def _listings(self, examples: Sequence[Example], which: int) -> EncoderInput:
        titles = [example.titles[which] for example in examples]
        return self.processor(titles, [example.images[which] for example in examples])
