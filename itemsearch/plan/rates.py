"""What a unit of work costs on a processor: measured on a machine, or the figures of record of the docs."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path

from itemsearch.decode import decode
from itemsearch.errors import PlanError
from itemsearch.indexes.durable import replace_file


@dataclass(frozen=True, slots=True)
class Rates:
    """Costs, in seconds of one core (CPU seconds), bytes, and operations.

    source: where they are from. dim: numbers of an embedding. embed: of a listing with a picture of 224
    pixels, all of `itemsearch embed`. prepare: of that, what a GPU does not do. decode: of a megapixel of
    JPEG. copy: of a number of a vector, to copy, check and hash it. flops: operations of a CPU second while
    centroids are trained and vectors assigned. scan: of a byte of the codes that a search visits.
    duplicates: of a listing in `itemsearch duplicates`, without the search for its neighbours.
    duplicates_bytes: of memory, of a listing. listing_bytes: of a listing in a store and in an index, without
    its embedding: texts, columns and the thumbnail. picture_bytes: of a pixel of a JPEG. gflop: of the
    encoder, for a listing, in 10^9 operations.
    """

    source: str
    dim: int
    embed: float
    prepare: float
    decode: float
    copy: float
    flops: float
    scan: float
    duplicates: float
    duplicates_bytes: float
    listing_bytes: float
    picture_bytes: float
    gflop: float


def read_rates(path: Path) -> Rates:
    """
    Raises:
        PlanError: the file cannot be read, or holds something else.
    """
    try:
        return decode(Rates, json.loads(path.read_bytes()))
    except OSError as error:
        raise PlanError(f"{path}: {error.strerror}; make it with --measure --rates {path}") from error
    except (ValueError, TypeError) as error:
        raise PlanError(f"{path}: holds no rates ({error}); make it with --measure --rates {path}") from error


def write_rates(path: Path, rates: Rates) -> None:
    """
    Raises:
        OSError: it cannot be written.
    """
    replace_file(path, json.dumps(asdict(rates), indent=1).encode())


OF_RECORD = Rates(
    source="figures of record (docs/plan.md), of another machine than this; --measure measures this one",
    dim=768,
    embed=0.0185,
    prepare=0.0046,
    decode=0.0041,
    copy=6.6e-8,
    flops=45e9,
    scan=1.75e-10,
    duplicates=7.5e-4,
    duplicates_bytes=4700,
    listing_bytes=2085,
    picture_bytes=0.3,
    gflop=2.2,
)
"""By default. docs/plan.md says where each is from."""
