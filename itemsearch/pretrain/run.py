"""One pre-training run: catalog and configuration in, a model folder out."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import torch
from accelerate.utils import set_seed
from huggingface_hub.errors import StrictDataclassError
from transformers import PreTrainedTokenizerBase

from itemsearch.catalog import CatalogConfig
from itemsearch.errors import ModelError
from itemsearch.model import ITEmConfig, ITEmForPreTraining, ITEmImageProcessor, ITEmProcessor
from itemsearch.pretrain.config import PretrainConfig
from itemsearch.pretrain.data import (
    Collator,
    RelistedProducts,
    plan_rows,
    prepare_catalog,
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
    catalog: CatalogConfig, config: PretrainConfig, out: Path, report: Report, note: Callable[[str], None]
) -> PretrainReport:
    """Pre-trains an encoder on `catalog`; a stopped run in `out` goes on where it stopped.

    `out` becomes a model folder for `itemsearch embed --model`; `out/run` holds the run's state, its
    configuration and the log of its losses. `note` is told of what takes long.

    Raises:
        CatalogError: the catalog cannot be read.
        ModelError: a starting checkpoint cannot be used, or `out` holds a run of another configuration.
    """
    accelerator = PretrainLoop.accelerator(config)
    folder = out / "run"
    with accelerator.main_process_first():
        rows, products = _prepared(catalog, config, folder, note)
    table = pa.ipc.open_file(pa.memory_map(str(folder / "catalog.arrow"))).read_all()
    set_seed(config.train.seed)
    with accelerator.main_process_first():  # it may draw up the vocabulary that the others then read
        processor, model = _build(config, table, folder)
    train = config.train
    training, held_out = split_held_out(table.num_rows, train.held_out, train.seed)
    batches = train.steps * train.gradient_accumulation * accelerator.num_processes
    plan = plan_rows(training, table["category"].to_pylist(), batches, train.batch_size, config)
    if model.item.image_skip is not None and not (folder / "checkpoint").exists():
        note(f"finding the principal axes of {FIT_SAMPLE:,} pictures")
        _fit_image_skip(model, processor, RelistedProducts(table, plan, config.relisting, train.seed))
    for parameter in model.item.patches.parameters():
        parameter.requires_grad = not train.freeze_patches
    loop = PretrainLoop(
        model=model,
        config=config,
        collate=Collator(
            processor, model.config.num_patches, config.masking, bool(config.objectives.relisting)
        ),
        training=RelistedProducts(table, plan, config.relisting, train.seed),
        validation=RelistedProducts(table, held_out, config.relisting, train.seed + 1),
        folder=folder,
    )
    progress = loop.run(accelerator, report)
    if accelerator.is_main_process:
        accelerator.unwrap_model(model).item.save_pretrained(out)
        processor.save_pretrained(out)
    accelerator.end_training()
    return PretrainReport(rows, products, progress, accelerator.is_main_process)


def _prepared(
    catalog: CatalogConfig, config: PretrainConfig, folder: Path, note: Callable[[str], None]
) -> tuple[int, int]:
    """Lays out `folder` and reads the catalog, unless an earlier start of the same run has."""
    described: dict[str, Any] = {
        "catalog": {"path": catalog.path, "columns": dict(catalog.columns)},
        "config": asdict(config),
    }
    record = folder / "run.json"
    if record.exists():
        held = json.loads(record.read_text())
        if held["catalog"] == described["catalog"] and held["config"] == described["config"]:
            return int(held["rows"]), int(held["products"])
        if (folder / "checkpoint").exists():
            raise ModelError(
                f"{folder.parent} holds a run of another catalog or configuration: give another --out"
            )
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    note(f"reading {catalog.path}")
    rows, products = prepare_catalog(catalog, folder / "catalog.arrow")
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


@torch.no_grad()
def _fit_image_skip(model: ITEmForPreTraining, processor: ITEmProcessor, products: RelistedProducts) -> None:
    model.eval()
    pooled = []
    for start in range(0, min(FIT_SAMPLE, len(products)), 64):
        places = range(start, min(start + 64, FIT_SAMPLE, len(products)))
        images = [products[place].images[0] for place in places]
        present = [image for image in images if image is not None]
        if present:
            pixels = torch.from_numpy(processor.image_processor(present))
            pooled.append(model.item.patches(pixels).pooled)
    skip = model.item.image_skip
    assert skip is not None, "only called for models that have one"
    if pooled and sum(map(len, pooled)) >= skip.projection.out_features:
        skip.fit(torch.cat(pooled))
