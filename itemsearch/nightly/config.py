"""What a rebuild does: a TOML file in which `catalog`, `store` and `index` are enough."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from itemsearch.decode import read_toml
from itemsearch.errors import UsageError


@dataclass(frozen=True, slots=True)
class IndexOptions:
    """target_recall: recall@`at` that the index is chosen for, and without which it is not published; 0 to
    measure nothing. keep: versions that stay, the new one included. retrain_ratio: by what share the
    different embeddings may have grown or shrunk since the index was trained, before it is trained anew.
    """

    target_recall: float = 0.95
    at: int = 10
    keep: int = 3
    retrain_ratio: float = 0.2


@dataclass(frozen=True, slots=True)
class Guards:
    """What stops a version from being published.

    max_bad_rate: share of the catalog's rows that may be rejected. max_fallen: share of the current
    version's rows that may be gone. max_duplicates_jump: by how much the share of rows that repeat the very
    embedding of another may rise.
    """

    max_bad_rate: float = 0.05
    max_fallen: float = 0.2
    max_duplicates_jump: float = 0.1


@dataclass(frozen=True, slots=True)
class RebuildConfig:
    """Paths start from the file's folder. columns: role to column name, as --column.

    model, device, dtype: as for `itemsearch embed`. record: a JSON line a run is added to it. metrics: a
    Prometheus textfile; "" for none.
    """

    catalog: str
    store: str
    index: str
    columns: Mapping[str, str] = field(default_factory=dict)
    image_root: str = ""
    model: str = "default"
    device: str = "auto"
    dtype: str = "float32"
    record: str = "rebuild.jsonl"
    metrics: str = ""
    build: IndexOptions = field(default_factory=IndexOptions)
    guards: Guards = field(default_factory=Guards)


def read_rebuild_config(path: Path) -> RebuildConfig:
    """A configuration file, its paths made whole.

    Raises:
        UsageError: the file cannot be read, or a key or value is wrong.
    """
    config = read_toml(RebuildConfig, path, UsageError)
    _check(config, path)
    root = path.resolve().parent

    def whole(name: str) -> str:
        return str(root / name) if name else ""

    model = whole(config.model) if (root / config.model).is_dir() else config.model
    return replace(
        config,
        catalog=whole(config.catalog),
        store=whole(config.store),
        index=whole(config.index),
        image_root=whole(config.image_root),
        record=whole(config.record),
        metrics=whole(config.metrics),
        model=model,
    )


def _check(config: RebuildConfig, path: Path) -> None:
    """
    Raises:
        UsageError: a value that is out of range.
    """
    shares = {
        "build.target_recall": config.build.target_recall,
        "build.retrain_ratio": config.build.retrain_ratio,
        "guards.max_bad_rate": config.guards.max_bad_rate,
        "guards.max_fallen": config.guards.max_fallen,
        "guards.max_duplicates_jump": config.guards.max_duplicates_jump,
    }
    for name, value in shares.items():
        if not 0 <= value <= 1:
            raise UsageError(f"{path}: {name} is {value:g}; it is a share, from 0 to 1")
    for name, value in (("build.at", config.build.at), ("build.keep", config.build.keep)):
        if value < 1:
            raise UsageError(f"{path}: {name} is {value}; it must be 1 or more")
    if config.device not in ("auto", "cpu", "cuda"):
        raise UsageError(f"{path}: device is {config.device!r}; use auto, cpu or cuda")
    if config.dtype not in ("float32", "float16"):
        raise UsageError(f"{path}: dtype is {config.dtype!r}; use float32 or float16")
