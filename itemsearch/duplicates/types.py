"""What passes between the steps of `itemsearch duplicates`, and what its tables hold."""

from __future__ import annotations

from enum import StrEnum

import pyarrow as pa


class Decision(StrEnum):
    """What becomes of a pair. The value is what `pairs.parquet` holds."""

    DUPLICATE = "duplicate"  # one product: the automatic tier
    REVIEW = "review"  # a person should look
    VARIANT = "variant"  # the variant guard says that they differ in size, colour or such
    REJECTED = "rejected"  # a person said that they are two products
    DIFFERENT = "different"  # below every threshold; never in pairs.parquet, but `explain` says so


class Tier(StrEnum):
    """How far a group can be acted on. The value is what `groups.parquet` holds."""

    AUTOMATIC = "automatic"
    REVIEW = "review"


EVIDENCE_SCHEMA = pa.schema(
    {
        "id_a": pa.string(),
        "id_b": pa.string(),
        "score": pa.float32(),
        "joint": pa.float32(),
        "title": pa.float32(),
        "image": pa.float32(),
        "same_image": pa.bool_(),
        "phash_distance": pa.int8(),
        "words_a": pa.list_(pa.string()),
        "words_b": pa.list_(pa.string()),
        "conflicts": pa.list_(pa.string()),
    }
)
"""The evidence on a pair; the id that comes first in the index's order of ids is id_a.

score, joint, title, image: as in search results; title and image are null where a listing lacks the modality.
same_image: the thumbnails are equal byte for byte. phash_distance: Hamming distance, 0 to 64, of the
thumbnails' perceptual hashes; null where a listing has no picture. words_a, words_b: words that only the one
title has. conflicts: what the variant guard found, such as "size: 500 ml / 1 l".
"""

PAIRS_SCHEMA = EVIDENCE_SCHEMA.append(pa.field("decision", pa.string())).append(
    pa.field("reason", pa.string())
)
"""`pairs.parquet`. decision: a `Decision`, never "different". reason: one plain sentence."""

ROWS_SCHEMA = pa.schema({"row_a": pa.int64(), "row_b": pa.int64()})
"""Rows of the index's products: inside the program, evidence and pairs carry these too."""

GROUPS_SCHEMA = pa.schema(
    {
        "group_id": pa.string(),
        "id": pa.string(),
        "keeper": pa.bool_(),
        "tier": pa.string(),
        "score": pa.float32(),
        "flag": pa.string(),
    }
)
"""`groups.parquet`. tier: a `Tier`. score: the member's mean score to those of its group that it is paired
with. flag: why the whole group needs a look ("chain split", "too large"), else null."""
