"""Embeds made listings into a store."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from io import BytesIO
from pathlib import Path

import pyarrow as pa
from PIL import Image

from itemsearch.benchmarks.data.made_listings import CARRIED, PARTS, MadeEncoder, MadeListing, made_listings
from itemsearch.embed.model_folder import SHIPPED_WEIGHTS
from itemsearch.ranking.ranking import read_ranking
from itemsearch.store.manifest import ModelStamp
from itemsearch.store.schema import StoredPictures
from itemsearch.store.writer import StoreWriter
from itemsearch.types import Listing

BLOCK = 4096


def write_made_store(folder: Path, rows: int, seed: int, stamp: ModelStamp | None = None) -> None:
    """Embeds `rows` made listings into a store.

    Args:
        stamp: the model that they pass for embedded by; by default one with the shipped ranking.
    """
    encoder = MadeEncoder(seed)
    with StoreWriter(folder, stamp or _made_stamp(seed), encoder.dim, "float16", CARRIED) as writer:
        for block in blocks(made_listings(rows, seed)):
            listings = [
                Listing(0, each.id, each.title, each.category, None, each.content_hash) for each in block
            ]
            images = [Image.open(BytesIO(each.picture)) for each in block]
            vectors = encoder.encode([each.title for each in block], images)
            carried = pa.record_batch(
                list(zip(*(each.carried for each in block), strict=True)), schema=CARRIED
            )
            pictures = StoredPictures([each.picture for each in block], [None] * len(block))
            writer.add(listings, vectors, pictures, carried)
        writer.finish("made listings", rows)


def blocks(listings: Iterator[MadeListing]) -> Iterator[Sequence[MadeListing]]:
    """At most `BLOCK` listings at a time."""
    while block := list(itertools.islice(listings, BLOCK)):
        yield block


def _made_stamp(seed: int) -> ModelStamp:
    ranking = read_ranking(SHIPPED_WEIGHTS / "default")
    described = None if ranking is None else ranking.describe()
    return ModelStamp("made", f"made listings of seed {seed}", "float32", PARTS, described)
