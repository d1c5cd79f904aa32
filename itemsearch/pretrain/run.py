"""One pre-training run: catalogs and configuration in, a model folder out."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import torch
from accelerate.utils import set_seed
from huggingface_hub.errors import StrictDataclassError
from torch import Tensor
from transformers import PreTrainedTokenizerBase

from itemsearch.catalog import CatalogConfig
from itemsearch.errors import ModelError
from itemsearch.model import ITEmConfig, ITEmForPreTraining, ITEmImageProcessor, ITEmModel, ITEmProcessor
from itemsearch.model.encoder import ImageSkip
from itemsearch.pretrain.config import PretrainConfig
from itemsearch.pretrain.data import (
    Collator,
    RelistedProducts,
    plan_rows,
    prepare_catalogs,
    rows_of_groups,
    split_held_out,
)
from itemsearch.pretrain.loop import PretrainLoop, Progress, Report
from itemsearch.pretrain.start import build_model, load_tokenizer
from itemsearch.pretrain.vocabulary import build_tokenizer

FIT_SAMPLE = 2048
"""Products whose pictures give the image skip its principal axes."""


@dataclass(frozen=True, slots=True)
class PretrainReport:
    """rows read = products + rejected; `progress` says whether the run is finished or was stopped.

    is_main_process: whether this process is the one of a launcher's several that should speak.
    """

    rows: int
    products: int
    progress: Progress
    is_main_process: bool


def pretrain(
    catalogs: Sequence[CatalogConfig],
    config: PretrainConfig,
    out: Path,
    report: Report,
    note: Callable[[str], None],
    until: int | None = None,
) -> PretrainReport:
    """Pre-trains an encoder on `catalogs`; a stopped run in `out` goes on where it stopped.

    `out` becomes a model folder for `itemsearch embed --model`; `out/run` holds the run's state, its
    configuration and the log of its losses. `note` is told of what takes long.

    Args:
        until: the step after which this call stops, to be called again; None for the last.

    Raises:
        CatalogError: a catalog cannot be read.
        ModelError: a starting checkpoint cannot be used, or `out` holds a run of another configuration.
    """
    accelerator = PretrainLoop.accelerator(config)
    folder = out / "run"
    with accelerator.main_process_first():
        rows, kept = _prepared(catalogs, config, folder, note)
    table = pa.ipc.open_file(pa.memory_map(str(folder / "catalog.arrow"))).read_all()
    set_seed(config.train.seed)
    with accelerator.main_process_first():  # it may draw up the vocabulary that the others then read
        processor, model = _build(config, table, folder)
    train = config.train
    training, held_out = split_held_out(table.num_rows, train.held_out, train.seed)
    batches = train.steps * train.gradient_accumulation * accelerator.num_processes
    plan = plan_rows(training, table, batches, config)
    products = RelistedProducts(table, plan, rows_of_groups(table, training), config.relisting, train.seed)
    if not (folder / "checkpoint").exists():
        _fit_parts(model, processor, products, note)
    for parameter in model.item.patches.parameters():
        parameter.requires_grad = not train.freeze_patches
    loop = PretrainLoop(
        model=model,
        config=config,
        collate=Collator(
            processor, model.config.num_patches, config.masking, bool(config.objectives.relisting)
        ),
        training=products,
        validation=RelistedProducts(table, held_out, {}, config.relisting, train.seed + 1),
        folder=folder,
    )
    progress = loop.run(accelerator, report, until)
    if accelerator.is_main_process:
        accelerator.unwrap_model(model).item.save_pretrained(out)
        processor.save_pretrained(out)
    accelerator.end_training()
    return PretrainReport(rows, kept, progress, accelerator.is_main_process)


def _prepared(
    catalogs: Sequence[CatalogConfig], config: PretrainConfig, folder: Path, note: Callable[[str], None]
) -> tuple[int, int]:
    """Lays out `folder` and reads the catalogs, unless an earlier start of the same run has."""
    described: dict[str, Any] = {
        "catalogs": [{"path": catalog.path, "columns": dict(catalog.columns)} for catalog in catalogs],
        "config": asdict(config),
    }
    record = folder / "run.json"
    if record.exists():
        held = json.loads(record.read_text())
        if held.get("catalogs") == described["catalogs"] and held["config"] == described["config"]:
            return int(held["rows"]), int(held["products"])
        if (folder / "checkpoint").exists():
            raise ModelError(
                f"{folder.parent} holds a run of another catalog or configuration: give another --out"
            )
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    note(f"reading {', '.join(catalog.path for catalog in catalogs)}")
    rows, products = prepare_catalogs(catalogs, folder / "catalog.arrow", config.relisting.group)
    record.write_text(json.dumps({**described, "rows": rows, "products": products}, indent=1))
    return rows, products


def _build(config: PretrainConfig, table: pa.Table, folder: Path) -> tuple[ITEmProcessor, ITEmForPreTraining]:
    tokenizer = _tokenizer(config, table, folder)
    try:
        shape = ITEmConfig(
            **{**config.model, "vocab_size": len(tokenizer), "pad_token_id": tokenizer.pad_token_id}
        )
    except (StrictDataclassError, ValueError, TypeError) as error:
        raise ModelError(f"model: {str(error).strip().splitlines()[-1].strip()}") from error
    model = build_model(shape, config.start.text, config.start.image)
    return ITEmProcessor(ITEmImageProcessor(side=shape.image_size), tokenizer), model


def _tokenizer(config: PretrainConfig, table: pa.Table, folder: Path) -> PreTrainedTokenizerBase:
    """The starting checkpoint's; else one drawn up from the catalog and kept for when the run goes on."""
    limit = int(config.model.get("max_title_tokens", ITEmConfig.max_title_tokens))
    if name := config.start.text or config.start.tokenizer:
        return load_tokenizer(name, limit)
    kept = folder / "tokenizer"
    if not kept.is_dir():
        build_tokenizer((title for title in table["title"].to_pylist() if title), limit).save_pretrained(kept)
    return load_tokenizer(str(kept), limit)


def _fit_parts(
    model: ITEmForPreTraining,
    processor: ITEmProcessor,
    products: RelistedProducts,
    note: Callable[[str], None],
) -> None:
    """What the parts beside the stream start from: the catalog's own titles and pictures."""
    encoder = model.item
    if encoder.lexical is not None:
        note("weighing the character n-grams of the titles")
        encoder.lexical.fit(title for title in products.table["title"].to_pylist() if title)
    if encoder.image_skip is not None:
        note(f"finding the principal axes of {FIT_SAMPLE:,} pictures")
        _fit_image_skip(encoder, encoder.image_skip, processor, products)


@torch.no_grad()
def _fit_image_skip(
    encoder: ITEmModel, skip: ImageSkip, processor: ITEmProcessor, products: RelistedProducts
) -> None:
    encoder.eval()
    pooled: list[Tensor] = []
    place = 0
    while place < len(products) and sum(map(len, pooled)) < FIT_SAMPLE:
        images = [products[row].images[0] for row in range(place, min(place + 64, len(products)))]
        present = [image for image in images if image is not None]
        if present:
            features = encoder.patches(torch.from_numpy(processor.image_processor(present))).pooled
            assert features is not None, "only convolutional patches have a skip"
            pooled.append(features)
        place += 64
    if pooled and sum(map(len, pooled)) >= skip.projection.out_features:
        skip.fit(torch.cat(pooled))
