"""Decisions of pairs, tiers of groups, and the schemas of the tables that `itemsearch duplicates` writes."""

from __future__ import annotations

from enum import StrEnum

import pyarrow as pa


class Decision(StrEnum):
    """The decision of a pair. `pairs.parquet` stores the value."""

    DUPLICATE = "duplicate"  # one product, without a person: the automatic tier
    REVIEW = "review"  # possibly one product: a person decides
    VARIANT = "variant"  # alike, but the variant rules find another size, colour, pack, capacity or model
    CONFIRMED = "confirmed"  # a person decided that they are one product
    REJECTED = "rejected"  # a person decided that they are two products
    DIFFERENT = "different"  # below every threshold: only `explain` shows it, pairs.parquet leaves it out


class Tier(StrEnum):
    """The tier of a group. `groups.parquet` stores the value."""

    AUTOMATIC = "automatic"  # made of duplicate pairs alone, without a flag
    REVIEW = "review"  # a person decides
    CONFIRMED = "confirmed"  # a person decided that its listings are one product


BY_PEOPLE = (Decision.CONFIRMED, Decision.REJECTED)
"""The decisions that people make, whatever the evidence."""
IDENTICAL = 1 - 1e-6
"""The joint cosine of listings of one content."""

EVIDENCE_SCHEMA = pa.schema(
    {
        "id_a": pa.string(),
        "id_b": pa.string(),
        "score": pa.float32(),
        "joint": pa.float32(),
        "title_similarity": pa.float32(),
        "image_similarity": pa.float32(),
        "same_image": pa.bool_(),
        "image_hash_distance": pa.int8(),
        "words_a": pa.list_(pa.string()),
        "words_b": pa.list_(pa.string()),
        "same_identifier": pa.string(),
        "conflicts": pa.list_(pa.string()),
        "doubt": pa.string(),
    }
)
"""The evidence on a pair; id_a comes before id_b in the index's order of ids.

score: the match score, 0 to 1. joint, title_similarity, image_similarity: cosines, as in search results;
title_similarity and image_similarity are null where a listing lacks the modality. same_image: the thumbnails
are equal byte for byte. image_hash_distance: Hamming distance, 0 to 64 bits, of the thumbnails' perceptual
hashes; null where a listing has no picture. words_a, words_b: the words that only this title has.
same_identifier: an identifier that both listings have, such as "gtin 04006381333931". conflicts: the
differences that the variant rules or the identifiers find, such as "size: 500 ml / 1 l". doubt: why a person
has to decide whatever the probability, such as "one picture under two numbers"; null for no reason.
"""

PAIRS_SCHEMA = pa.schema(
    [
        *EVIDENCE_SCHEMA,
        pa.field("probability", pa.float32()),
        pa.field("decision", pa.string()),
        pa.field("reason", pa.string()),
    ]
)
"""The columns of `pairs.parquet`. probability: how sure it is by the evidence that the pair is one product;
null for a confirmed pair that was not compared. decision: a `Decision`, never "different". reason: one
sentence."""

ROWS_SCHEMA = pa.schema({"row_a": pa.int64(), "row_b": pa.int64()})
"""The rows of the two listings in the index. Tables in memory begin with them; files leave them out."""

GROUPS_SCHEMA = pa.schema(
    {
        "group_id": pa.string(),
        "id": pa.string(),
        "keeper": pa.bool_(),
        "tier": pa.string(),
        "probability": pa.float32(),
        "group_probability": pa.float32(),
        "flag": pa.string(),
    }
)
"""The columns of `groups.parquet`, a row a listing. keeper: the listing that the group proposes to keep.
tier: a `Tier`. probability: the mean probability of the listing's pairs within the group, of which confirmed
ones have 1. group_probability:
the least of them, of the listing that fits worst. flag: why a person has to look
at the whole group ("chain split", "too large"), else null."""
