"""What the paper compares: the stream with all five objectives, without some of them, with one modality."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import pyarrow.parquet as pq

from itemsearch.pretrain.config import PretrainConfig

BOTH, TITLE, PICTURE = "title and picture", "title alone", "picture alone"
HIDDEN = {TITLE: "image", PICTURE: "title"}
"""The column that the catalogs of a stream of one modality lack."""


@dataclass(frozen=True, slots=True)
class TrainedBy:
    """What decides the weights of all variants."""

    catalogs: tuple[str, ...]
    config: PretrainConfig


@dataclass(frozen=True, slots=True)
class ReproductionSettings:
    """What all variants have in common.

    watch: a catalog to follow the training by; test: one for figures. rows: products of `test` to look for,
    to look among, and to tell the category of; category_rows: products that categories are learnt from.
    """

    catalogs: tuple[str, ...]
    watch: str
    test: str
    rows: int
    category_rows: int
    config: PretrainConfig

    @property
    def measured(self) -> dict[str, int]:
        """How much is measured: figures of another measure are not comparable."""
        return {"rows": self.rows, "category_rows": self.category_rows}


@dataclass(frozen=True, slots=True)
class Stream:
    """sees: which modality its catalogs have: `BOTH`, `TITLE` or `PICTURE`."""

    config: PretrainConfig
    sees: str = BOTH


def streams(base: PretrainConfig) -> Mapping[str, Stream]:
    """By name, the whole first. No relisting contrast: what `base` says of it does not count."""
    whole = _objectives(base, relisting=0.0)
    return {
        "full": Stream(whole),
        "no global MLM": Stream(_objectives(whole, global_mlm=0.0)),
        "no global MIM": Stream(_objectives(whole, global_mim=0.0)),
        "neither global": Stream(_objectives(whole, global_mlm=0.0, global_mim=0.0)),
        "MLM and ITM": Stream(_objectives(whole, mim=0.0, global_mlm=0.0, global_mim=0.0)),
        TITLE: Stream(_objectives(whole, itm=0.0, mim=0.0, global_mim=0.0), TITLE),
        PICTURE: Stream(_objectives(whole, itm=0.0, mlm=0.0, global_mlm=0.0), PICTURE),
        "untrained": Stream(replace(whole, train=replace(whole.train, steps=1, learning_rate=0.0))),
    }


def folder_of(out: Path, name: str) -> Path:
    """Where a variant's training, model and figures are."""
    return out / name.replace(" ", "-")


def as_seen(catalog: str, sees: str, copy: Path) -> str:
    """The path of `catalog`, a Parquet file or folder, without what a stream does not see.

    copy: the file that it is written to, unless it is there already; not used where both are seen.
    """
    if sees == BOTH:
        return catalog
    if not copy.exists():
        copy.parent.mkdir(parents=True, exist_ok=True)
        table = pq.read_table(catalog)
        partial = copy.with_suffix(".partial")
        pq.write_table(table.drop_columns([HIDDEN[sees]]), partial)
        partial.rename(copy)
    return str(copy)


def _objectives(base: PretrainConfig, **weights: float) -> PretrainConfig:
    return replace(base, objectives=replace(base.objectives, **weights))
