"""Finds, makes and compiles the OpenVINO graphs of a model. They are kept in a cache, by fingerprint."""

from __future__ import annotations

import logging
import os
import shutil
import tempfile
import zipfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from queue import LifoQueue
from threading import Lock
from typing import Self

import numpy as np
import numpy.typing as npt
import openvino as ov
import openvino.properties as properties
import openvino.properties.hint as hints

from itemsearch.embed.signal_stack import kept_signal_stack
from itemsearch.errors import ModelError

PICTURES, COLOURS, STREAM = "pictures.xml", "colours.xml", "stream.xml"
"""The graphs of a model: what pictures give to the stream, and their image parts; their colour parts, if the
model has them; the part "stream"."""
GRAPHS_VERSION = "1"
"""Part of the name of a cached folder; raised when `export` writes other graphs of the same model."""
MOST_LANES = 8
"""A lane takes about 60 MB for what is computed in it: a guess of what is enough, as threads share lanes."""
CACHE_VARIABLE = "ITEMSEARCH_CACHE"
PARTS = "parts.npz"
_first_use = Lock()
"""OpenVINO fills its table of number formats at their first use; two threads that do so at once wait for each
other for ever."""


@dataclass(frozen=True, slots=True)
class Parts:
    """What the parts of an embedding need beside the graphs; kept with them.

    sizes, weights: of each part by name, in order. max_tokens: of a title, [CLS] and [SEP] included. side:
    pixels a side of the model's pictures. patches, features: how many patches a picture has, and numbers a
    patch. signs, buckets: the buffers of `itemsearch.model.lexical.LexicalSketch`, empty without a part
    "lexical".
    """

    sizes: Mapping[str, int]
    weights: Mapping[str, float]
    max_tokens: int
    side: int
    patches: int
    features: int
    signs: npt.NDArray[np.uint8]
    buckets: npt.NDArray[np.float32]

    @classmethod
    def read(cls, folder: Path) -> Self:
        """Reads what `write` wrote.

        Raises:
            ModelError: the file is missing or damaged.
        """
        try:
            with np.load(folder / PARTS) as arrays:
                names = arrays["names"].tolist()
                max_tokens, side, patches, features = arrays["shape"].tolist()
                return cls(
                    sizes=dict(zip(names, arrays["sizes"].tolist(), strict=True)),
                    weights=dict(zip(names, arrays["weights"].tolist(), strict=True)),
                    max_tokens=max_tokens,
                    side=side,
                    patches=patches,
                    features=features,
                    signs=arrays["signs"],
                    buckets=arrays["buckets"],
                )
        except (OSError, ValueError, KeyError, zipfile.BadZipFile) as error:
            raise ModelError(f"{folder / PARTS}: {error}: delete the folder") from error

    def write(self, folder: Path) -> None:
        np.savez(
            folder / PARTS,
            names=np.array(list(self.sizes)),
            sizes=np.array(list(self.sizes.values())),
            weights=np.array(list(self.weights.values()), np.float32),
            shape=np.array([self.max_tokens, self.side, self.patches, self.features]),
            signs=self.signs,
            buckets=self.buckets,
        )


@dataclass(frozen=True, slots=True)
class Lane:
    """Places for the inputs and outputs of one batch at a time, in each graph."""

    pictures: ov.InferRequest
    colours: ov.InferRequest | None
    stream: ov.InferRequest


@dataclass(frozen=True, slots=True)
class Graphs:
    """The compiled graphs of a model.

    precision: "bfloat16" or "float32", of all but the colours. threads: how many compute. lanes: how many
    batches pass at once.
    """

    precision: str
    threads: int
    lanes: LifoQueue[Lane]

    @contextmanager
    def lane(self) -> Iterator[Lane]:
        """A lane that nobody else has; waits for one."""
        lane = self.lanes.get()
        try:
            yield lane
        finally:
            self.lanes.put(lane)

    @classmethod
    def compiled(cls, folder: Path, precision: str, threads: int, bulk: bool = False) -> Self:
        """Compiles the graphs in a folder for this processor.

        Args:
            precision: "bfloat16", "float32", or "" for what the processor is fast in.
            threads: 0 for as many as there are processors.
            bulk: as many lanes as threads, at most `MOST_LANES`, instead of one that all threads share.

        Raises:
            ModelError: a graph cannot be read.
        """
        with kept_signal_stack():
            return cls._compiled(folder, precision, threads or os.cpu_count() or 1, bulk)

    @classmethod
    def _compiled(cls, folder: Path, precision: str, threads: int, bulk: bool) -> Self:
        with _first_use:
            ov.Type.u8.to_dtype()
        core = ov.Core()
        lanes = min(threads, MOST_LANES) if bulk else 1
        precision = precision or ("bfloat16" if has_bfloat16(core) else "float32")
        kinds = {"bfloat16": ov.Type.bf16, "float32": ov.Type.f32}

        def compile(name: str, kind: ov.Type) -> ov.CompiledModel:
            settings = {
                hints.inference_precision: kind,
                properties.streams.num: lanes,
                properties.inference_num_threads: threads,
                properties.cache_dir: str(folder / "compiled"),
            }
            return core.compile_model(str(folder / name), "CPU", settings)

        try:
            pictures, stream = compile(PICTURES, kinds[precision]), compile(STREAM, kinds[precision])
            # Half precision is too coarse to count colours.
            colours = compile(COLOURS, ov.Type.f32) if (folder / COLOURS).exists() else None
        except RuntimeError as error:
            raise ModelError(f"{folder}: {str(error).splitlines()[0]}: delete the folder") from error
        free: LifoQueue[Lane] = LifoQueue()
        for _ in range(lanes):
            free.put(
                Lane(
                    pictures.create_infer_request(),
                    None if colours is None else colours.create_infer_request(),
                    stream.create_infer_request(),
                )
            )
        return cls(precision, threads, free)


def has_bfloat16(core: ov.Core) -> bool:
    """Whether the processor multiplies bfloat16 matrices natively; emulated, it is slower than float32."""
    return "BF16" in core.get_property("CPU", "OPTIMIZATION_CAPABILITIES")


def graphs_folder(model: Path, fingerprint: str) -> Path:
    """The cached folder of a model's graphs, exported at first use, which loads torch.

    The cache is the folder that `CACHE_VARIABLE` names, or itemsearch in the user's own cache.

    Raises:
        ModelError: the model cannot be loaded, or the cache cannot be written.
    """
    home = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    cache = Path(os.environ.get(CACHE_VARIABLE) or Path(home, "itemsearch"))
    folder = cache / f"{fingerprint}-{GRAPHS_VERSION}-{ov.__version__.partition('-')[0]}"
    if folder.is_dir():
        return folder
    logging.getLogger(__name__).info(
        "preparing the model for this processor, which is done once: some seconds"
    )
    from itemsearch.embed.export import export  # torch, which is not needed again

    try:
        cache.mkdir(parents=True, exist_ok=True)
        staging = Path(tempfile.mkdtemp(prefix=".exporting-", dir=cache))
        try:
            export(model, staging)
            staging.rename(folder)
        finally:
            shutil.rmtree(staging, ignore_errors=True)
    except OSError as error:
        if folder.is_dir():  # another process was faster
            return folder
        raise ModelError(
            f"{cache}: {error.strerror}: name a folder that can be written in {CACHE_VARIABLE}"
        ) from error
    return folder
