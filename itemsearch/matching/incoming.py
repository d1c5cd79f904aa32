"""Incoming listings: embedded rows of a feed, and the table in which they are compared with an index's."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

import numpy as np
import pyarrow as pa

from itemsearch.attributes.identifiers import MODEL_COLUMNS, TRADE_COLUMNS
from itemsearch.columns import no_column, read_texts, take_rows
from itemsearch.duplicates.pairs.columns import AGREEING_COLUMNS
from itemsearch.duplicates.pairs.variants import VariantRules
from itemsearch.errors import UsageError
from itemsearch.indexes.arrays import Floats, Rows
from itemsearch.indexes.storage.vectors import AnyVectors
from itemsearch.types import Listing

if TYPE_CHECKING:
    from itemsearch.embed.encoder import Encoder

OWN_SCHEMA = pa.schema(
    {
        "id": pa.string(),
        "title": pa.string(),
        "content_hash": pa.string(),
        "has_image": pa.bool_(),
        "thumbnail": pa.binary(),
        "other_pictures": pa.binary(),
    }
)
"""The columns of an index's listings that pairs are compared by, beside the shared ones."""


@dataclass(frozen=True, slots=True)
class Incoming:
    """B incoming listings. table: `OWN_SCHEMA` and the shared columns as text. vectors: (B, E) float32 of
    length 1. exclude: (B,) the row of the index that each is itself, -1 for none."""

    table: pa.Table
    vectors: Floats
    exclude: Rows

    def __len__(self) -> int:
        return len(self.vectors)

    @classmethod
    def embed(
        cls,
        listings: Sequence[Listing],
        carried: pa.RecordBatch | pa.Table,
        shared: Sequence[str],
        encoder: Encoder,
    ) -> Self:
        """Embeds listings.

        Args:
            carried: their other columns. shared: those to keep.
        """
        from itemsearch.store.schema import StoredPictures  # Pillow takes time to import

        titles, images = [listing.title for listing in listings], [listing.image for listing in listings]
        pictures = StoredPictures.of(listings)
        own = {
            "id": [listing.id for listing in listings],
            "title": titles,
            "content_hash": [listing.content_hash for listing in listings],
            "has_image": [image is not None for image in images],
            "thumbnail": pictures.thumbnails,
            "other_pictures": pictures.others,
        }
        texts = {name: read_texts(carried, name) for name in shared}
        table = pa.table({**own, **texts}, schema=_schema(shared))
        vectors = encoder.encode(titles, images) if listings else np.empty((0, encoder.dim), np.float32)
        return cls(table, vectors, np.full(len(listings), -1))

    @classmethod
    def of_index(cls, listings: pa.Table, vectors: AnyVectors, rows: Rows, shared: Sequence[str]) -> Self:
        """The listings of (B,) rows of an index, to be matched with the others."""
        return cls(texts_of(listings, rows, shared), np.asarray(vectors[rows]), rows)

    @classmethod
    def joined(cls, parts: Iterable[Self]) -> Self:
        """Joins at least one part, in order."""
        every = list(parts)
        return cls(
            pa.concat_tables([part.table for part in every]),
            np.concatenate([part.vectors for part in every]),
            np.concatenate([part.exclude for part in every]),
        )


def texts_of(listings: pa.Table, rows: Rows, shared: Sequence[str]) -> pa.Table:
    """`OWN_SCHEMA` and the `shared` columns as text, of (R,) rows of an index's listings."""
    present = [name for name in OWN_SCHEMA.names if name in listings.column_names]
    taken = take_rows(listings.select([*present, *shared]), rows)
    texts = [pa.array(read_texts(taken, name), pa.string()) for name in shared]
    own = [
        # An index of an earlier version has no sketches.
        taken[field.name].cast(field.type) if field.name in present else pa.nulls(len(rows), field.type)
        for field in OWN_SCHEMA
    ]
    return pa.table([*own, *texts], schema=_schema(shared))


def shared_columns(
    index: Sequence[str],
    feed: Sequence[str],
    identifiers: Sequence[str],
    compared: Sequence[str],
    rules: VariantRules,
) -> tuple[str, ...]:
    """The columns of both the index and the feed that are evidence, by their names or because they are asked
    for.

    Raises:
        UsageError: a column that is asked for is not in one of the two.
    """
    options = (
        ("--identifier", identifiers),
        ("--compare", compared),
        ("--variant-column", rules.columns),
    )
    for option, names in options:
        for name in names:
            for place, columns in (("the index", index), ("the feed", feed)):
                if name not in columns:
                    raise UsageError(f"{place} has {no_column(columns, name, purpose=f' for {option}')}")
    asked = {name for _, names in options for name in names}
    by_name = (*TRADE_COLUMNS, *MODEL_COLUMNS, *AGREEING_COLUMNS)
    return tuple(
        name
        for name in index
        if name in feed
        and name not in OWN_SCHEMA.names
        and (name in asked or name.casefold() in by_name or rules.rule_of(name))
    )


def _schema(shared: Sequence[str]) -> pa.Schema:
    return pa.schema([*OWN_SCHEMA, *((name, pa.string()) for name in shared)])
