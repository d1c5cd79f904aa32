"""Configuration of a nightly rebuild, read from a TOML file; `catalog`, `store` and `index` are required."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path

from itemsearch.catalog import ReadOptions
from itemsearch.catalog.config import MAX_IMAGES
from itemsearch.decode import read_toml
from itemsearch.errors import UsageError
from itemsearch.fetch.addresses import pictures_beside
from itemsearch.fetch.types import FetchConfig
from itemsearch.store.kept_pictures import KeepPictures


@dataclass(frozen=True, slots=True)
class IndexOptions:
    """The section [build]: how the index is built.

    target_recall, at: recall@`at` that the index is tuned for and has to reach; 0 for no tuning.
    keep: index versions that stay, the new one included.
    retrain_ratio: share by which the number of distinct embeddings may change before the index is trained
        again.
    """

    target_recall: float = 0.95
    at: int = 10
    keep: int = 3
    retrain_ratio: float = 0.2


@dataclass(frozen=True, slots=True)
class Guards:
    """The section [guards]: limits beyond which a new index version is not published.

    max_bad_rate: share of the catalog's rows that may be rejected.
    max_fallen: share of the current version's rows by which their number may fall.
    max_duplicates_jump: share of rows by which those that repeat another row, its title and pictures or its
        embedding, may rise.
    max_missing_titles_jump, max_missing_images_jump: share of rows by which those without a title, or without
        a picture that can be used, may rise.
    All of them are guesses.
    """

    max_bad_rate: float = 0.05
    max_fallen: float = 0.2
    max_duplicates_jump: float = 0.1
    max_missing_titles_jump: float = 0.1
    max_missing_images_jump: float = 0.1


@dataclass(frozen=True, slots=True)
class RebuildConfig:
    """A whole configuration file. Relative paths start from the file's folder.

    columns: role to column name, as for --column.
    ignore_columns, category_separator: as for --ignore-column and --category-separator.
    max_images, require_image: as in `CatalogConfig`.
    model, device, threads, dtype, keep_pictures: as for `itemsearch embed`.
    fetch: whether the pictures that are web addresses are downloaded first, as [fetching] says.
    fetched: folder that they are kept in and read from; with `fetch` it is beside the store by default.
    duplicates: folder for the duplicates of each new version; "" for none.
    record: file that a JSON line is appended to for each run.
    metrics: Prometheus textfile; "" for none.
    read: the section [read], how the catalog's files are read where their bytes do not tell; keys as the
        options of `itemsearch embed`.
    """

    catalog: str
    store: str
    index: str
    columns: Mapping[str, str] = field(default_factory=dict)
    ignore_columns: tuple[str, ...] = ()
    category_separator: str = ""
    image_root: str = ""
    max_images: int = MAX_IMAGES
    require_image: bool = False
    model: str = "default"
    device: str = "auto"
    threads: int = 0
    dtype: str = "float32"
    keep_pictures: str = KeepPictures.EMBEDDED.value
    fetch: bool = False
    fetched: str = ""
    duplicates: str = ""
    record: str = "rebuild.jsonl"
    metrics: str = ""
    read: ReadOptions = field(default_factory=ReadOptions)
    fetching: FetchConfig = field(default_factory=FetchConfig)
    build: IndexOptions = field(default_factory=IndexOptions)
    guards: Guards = field(default_factory=Guards)


def read_rebuild_config(path: Path) -> RebuildConfig:
    """Reads a configuration file, and makes its paths absolute.

    Raises:
        UsageError: the file cannot be read, or a key or value is wrong.
    """
    config = read_toml(RebuildConfig, path, UsageError)
    _check(config, path)
    root = path.resolve().parent

    def absolute(name: str) -> str:
        return str(root / name) if name else ""

    beside = str(pictures_beside(Path(absolute(config.store)))) if config.fetch else ""
    return replace(
        config,
        catalog=absolute(config.catalog),
        store=absolute(config.store),
        index=absolute(config.index),
        image_root=absolute(config.image_root),
        fetched=absolute(config.fetched) or beside,
        duplicates=absolute(config.duplicates),
        record=absolute(config.record),
        metrics=absolute(config.metrics),
        model=absolute(config.model) if (root / config.model).is_dir() else config.model,
    )


def _check(config: RebuildConfig, path: Path) -> None:
    """Checks the values' ranges.

    Raises:
        UsageError: a value is out of range.
    """
    shares = {
        "build.target_recall": config.build.target_recall,
        "build.retrain_ratio": config.build.retrain_ratio,
        **{f"guards.{name}": value for name, value in asdict(config.guards).items()},
    }
    for name, value in shares.items():
        if not 0 <= value <= 1:
            raise UsageError(f"{path}: {name} is {value:g}; it is a share, from 0 to 1")
    counts = {
        "build.at": config.build.at,
        "build.keep": config.build.keep,
        "max_images": config.max_images,
    }
    for name, value in counts.items():
        if value < 1:
            raise UsageError(f"{path}: {name} is {value}; it must be 1 or more")
    if config.device not in ("auto", "cpu", "cuda"):
        raise UsageError(f"{path}: device is {config.device!r}; use auto, cpu or cuda")
    if config.dtype not in ("float32", "float16"):
        raise UsageError(f"{path}: dtype is {config.dtype!r}; use float32 or float16")
    if config.keep_pictures not in list(KeepPictures):
        raise UsageError(f"{path}: keep_pictures is {config.keep_pictures!r}; use {', '.join(KeepPictures)}")
