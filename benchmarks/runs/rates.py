"""Measures the rates that `itemsearch plan` forecasts from, in CPU seconds.

Everything runs small and for real: drawn listings are embedded by the default model, made vectors indexed and
searched, made listings joined with each other. CPU seconds are of all threads, so that other programs on the
machine change them less than they change the time.
"""

from __future__ import annotations

import io
import platform
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TypeVar

import numpy as np
from PIL import Image

from itemsearch.benchmarks.data.made_store import write_made_store
from itemsearch.benchmarks.data.synthetic_vectors import write_vectors
from itemsearch.catalog import CatalogConfig
from itemsearch.catalog.images import decode_image
from itemsearch.duplicates.run import RunConfig, find_duplicates
from itemsearch.embed.catalog import EmbedConfig, embed_catalog
from itemsearch.embed.encoder import open_encoder
from itemsearch.indexes.progress import silent
from itemsearch.plan.rates import Rates
from itemsearch.plan.work import IndexWork, near_seconds
from itemsearch.sample.catalog import draw_catalog
from itemsearch.search.build import IndexConfig, build_index_folder
from itemsearch.search.engine import Engine

PRODUCTS, VECTORS, MADE, QUERIES = 120, 20_000, 10_500, 1000
SIDE = 1024
DECODED = 10
FEW_LISTS, CANDIDATES = 8, 100
_FLAT = IndexConfig(spec="Flat")

Done = TypeVar("Done")


def measure_rates(of_record: Rates, note: Callable[[str], None]) -> Rates:
    """Measures this machine.

    Args:
        of_record: gives what is not measured: memory and bytes of a listing, the operations of the encoder,
            and the part of embedding that a GPU does not do.
        note: called with what is measured next.
    """
    with tempfile.TemporaryDirectory(prefix="itemsearch-rates-") as folder:
        note(f"embedding the listings of {PRODUCTS:,} drawn products")
        embed, dim = _embedding(Path(folder))
        note(f"building an index of {VECTORS:,} vectors")
        copy, flops, scan = _index(Path(folder), dim)
        rates = replace(
            of_record,
            source=f"measured {datetime.now(UTC):%Y-%m-%d} on {platform.machine()}, {platform.node()}",
            dim=dim,
            embed=embed,
            prepare=of_record.prepare * embed / of_record.embed,
            decode=_decoding(),
            copy=copy,
            flops=flops,
            scan=scan,
        )
        note(f"finding the duplicates of {MADE:,} made listings")
        return replace(rates, duplicates=_duplicates(Path(folder), rates))


def _cpu(work: Callable[[], Done]) -> tuple[Done, float]:
    """What `work` returns, and its CPU seconds of all threads."""
    started = time.process_time()
    done = work()
    return done, time.process_time() - started


def _embedding(folder: Path) -> tuple[float, int]:
    """CPU seconds of a listing, and the numbers of its embedding. The model is loaded before."""
    drawn, encoder = draw_catalog(folder / "drawn", PRODUCTS), open_encoder("default", "cpu")
    encoder.encode(["a title"], [Image.new("RGB", (224, 224))])
    config = CatalogConfig(str(folder / "drawn" / "catalog.csv"))
    _, seconds = _cpu(
        lambda: embed_catalog(config, folder / "store", encoder, EmbedConfig(max_bad_rate=1.0), silent)
    )
    return seconds / drawn.rows, encoder.dim


def _index(folder: Path, dim: int) -> tuple[float, float, float]:
    """CPU seconds of a number that is copied and checked, operations a CPU second, and CPU seconds of a byte
    of code that is visited."""
    write_vectors(folder / "vectors", VECTORS, dim, seed=0)
    _, exact = _cpu(lambda: build_index_folder(folder / "vectors", folder / "exact", _FLAT))
    _, built = _cpu(lambda: build_index_folder(folder / "vectors", folder / "index"))
    work = IndexWork.of(VECTORS, dim)
    index = Engine.open(folder / "index").index
    queries = np.ascontiguousarray(index.vectors[:QUERIES], np.float32)
    index.probe(queries, 1, 1)  # maps the files
    _, few = _cpu(lambda: index.probe(queries, CANDIDATES, FEW_LISTS))
    _, all_lists = _cpu(lambda: index.probe(queries, CANDIDATES, work.spec.nlist))
    visited = QUERIES * VECTORS * work.spec.m * (1 - FEW_LISTS / work.spec.nlist)
    return exact / (VECTORS * dim), (work.train + work.add) / (built - exact), (all_lists - few) / visited


def _decoding() -> float:
    """CPU seconds of a megapixel of JPEG."""
    buffer = io.BytesIO()
    noise = np.random.default_rng(0).integers(0, 255, (SIDE // 8, SIDE // 8, 3), np.uint8)
    Image.fromarray(noise).resize((SIDE, SIDE)).save(buffer, "JPEG", quality=85)
    _, seconds = _cpu(lambda: [decode_image(buffer.getvalue()).load() for _ in range(DECODED)])
    return seconds / (DECODED * SIDE * SIDE / 1e6)


def _duplicates(folder: Path, rates: Rates) -> float:
    """CPU seconds of a listing, without those that the search for its neighbours is forecast to take."""
    write_made_store(folder / "made", MADE, seed=0)
    build_index_folder(folder / "made", folder / "made-index")
    engine = Engine.open(folder / "made-index")
    _, seconds = _cpu(lambda: find_duplicates(engine, folder / "duplicates", RunConfig(), silent))
    work = IndexWork.of(len(engine.index.distinct), engine.summary.dim)
    return seconds / MADE - near_seconds(work, rates)
