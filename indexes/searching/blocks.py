"""Divides the queries of a search among threads, and makes FAISS's parameters."""

from __future__ import annotations

import math
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache
from typing import Any

import faiss

from itemsearch.indexes.searching.inner_products import one_thread

BLOCK_QUERIES = 1024
THREAD_QUERIES = 32
"""The fewest queries that a thread is started for."""
BLOCK_CANDIDATES = 2_000_000


def new_options(nprobe: int, selector: Any | None = None) -> Any:
    """FAISS's parameters of a search; reads the selector in place."""
    options = faiss.SearchParametersIVF()
    options.nprobe, options.sel = nprobe, selector
    return options


kept_options = lru_cache(new_options)
"""Those of searches without a selector, made once: it takes longer than finding the lists."""


def in_blocks(answer: Callable[[slice], None], queries: int, each: int, threads: int) -> None:
    """Calls `answer` with slices of the queries; a block has at most `BLOCK_CANDIDATES` candidates, `each`
    for a query. With threads, each answers blocks, in which FAISS has a single one: what numpy does between
    FAISS's steps is then done by all."""
    size = min(BLOCK_QUERIES, max(BLOCK_CANDIDATES // each, 1))
    threads = min(threads, queries // THREAD_QUERIES)
    if threads > 1:
        size = min(size, math.ceil(queries / threads))
    blocks = [slice(start, start + size) for start in range(0, queries, size)]
    if threads <= 1:
        for block in blocks:
            answer(block)
        return

    def answer_alone(block: slice) -> None:
        with one_thread():
            answer(block)

    with ThreadPoolExecutor(threads) as pool:
        list(pool.map(answer_alone, blocks))
