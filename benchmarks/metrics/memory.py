"""Measures the memory of a process; loads neither torch nor a model."""

from __future__ import annotations

import sys
import tempfile
import threading
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path
from types import TracebackType
from typing import Self

import psutil

from itemsearch.catalog import CatalogConfig
from itemsearch.embed.catalog import EmbedConfig, embed_catalog
from itemsearch.embed.encoder import open_encoder
from itemsearch.indexes.progress import silent

POLL_SECONDS = 0.01


class MemoryWatch:
    """A context manager that records the peak memory of this process, read every `POLL_SECONDS`.

    Attributes:
        before: resident bytes of the process when the object was made.
        peak: the most resident bytes inside the context.
    """

    def __init__(self) -> None:
        self.before = self.peak = _resident_bytes()
        self._done = threading.Event()
        self._watcher = threading.Thread(target=self._watch)

    def __enter__(self) -> Self:
        self._watcher.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._done.set()
        self._watcher.join()

    def _watch(self) -> None:
        while True:
            self.peak = max(self.peak, _resident_bytes())
            if self._done.wait(POLL_SECONDS):
                return


@dataclass(frozen=True, slots=True)
class EmbedMemory:
    """Bytes of a process that embeds and does nothing else.

    before: with the model loaded. peak: while it embedded. gpu: the most of tensors on a GPU, 0 without one.
    """

    before: int
    peak: int
    gpu: int


def measure_embed_memory(catalog: CatalogConfig, model: str, device: str, batch_size: int) -> EmbedMemory:
    """Embeds a catalog in a new process."""
    with ProcessPoolExecutor(1, get_context("spawn")) as processes:
        return processes.submit(_embed, catalog, model, device, batch_size).result()


def _embed(catalog: CatalogConfig, model: str, device: str, batch_size: int) -> EmbedMemory:
    encoder = open_encoder(model, device, bulk=True)
    with tempfile.TemporaryDirectory() as folder, MemoryWatch() as memory:
        embed_catalog(catalog, Path(folder) / "store", encoder, EmbedConfig(batch_size), silent)
    gpu = 0
    if torch := sys.modules.get("torch"):  # not loaded by OpenVINO
        gpu = torch.cuda.max_memory_allocated()
    return EmbedMemory(memory.before, memory.peak, gpu)


def _resident_bytes() -> int:
    return int(psutil.Process().memory_info().rss)
