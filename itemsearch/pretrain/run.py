"""A pre-training run, from catalogs and a configuration to a model folder."""

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
from itemsearch.model.loading import silence
from itemsearch.pretrain.batches import Collator, TrainingPairs
from itemsearch.pretrain.config import PretrainConfig
from itemsearch.pretrain.data import plan_rows, prepare_catalogs, rows_of_groups, split_held_out
from itemsearch.pretrain.loop import PretrainLoop, Report
from itemsearch.pretrain.start import build_model, load_tokenizer
from itemsearch.pretrain.tokenizer import build_tokenizer

FIT_SAMPLE = 2048
"""Number of pictures whose principal axes the image skip starts from."""
FIT_BATCH = 64
"""Listings whose pictures are read at once for that."""


@dataclass(frozen=True, slots=True)
class PretrainReport:
    """rows: read from the catalogs. listings: those of them that are not rejected. step: the last one done.

    finished: whether that is the configuration's last step. is_main_process: True for one process of a
    launcher's, the one that should print.
    """

    rows: int
    listings: int
    step: int
    finished: bool
    is_main_process: bool


def pretrain(
    catalogs: Sequence[CatalogConfig],
    config: PretrainConfig,
    out: Path,
    report: Report,
    note: Callable[[str], None],
    until: int | None = None,
) -> PretrainReport:
    """Pre-trains an encoder on `catalogs`, or resumes a stopped run in `out`.

    `out` becomes a model folder for `itemsearch embed --model`. `out/run` contains the run's configuration,
    training table, checkpoint and log of losses.

    Args:
        report: receives the losses as they are logged.
        note: receives a line of text before each step that takes long.
        until: the training step to stop after, to be resumed by another call; None for the last.

    Raises:
        CatalogError: a catalog cannot be read.
        ModelError: a starting checkpoint cannot be used, or `out` holds a run of another configuration.
    """
    accelerator = PretrainLoop.accelerator(config)
    folder = out / "run"
    with accelerator.main_process_first():
        rows = _prepare_folder(catalogs, config, folder, note)
    table = pa.ipc.open_file(pa.memory_map(str(folder / "catalog.arrow"))).read_all()
    set_seed(config.train.seed)
    with accelerator.main_process_first():  # it may train the tokenizer that the others then load
        processor, model = _build(config, table, folder)
    training, validation = _pairs(table, config, accelerator.num_processes)
    if not (folder / "checkpoint").exists():
        _fit_parts(model, processor, training, note)
    for parameter in model.item.patches.parameters():
        parameter.requires_grad = not config.train.freeze_patches
    contrast = bool(config.objectives.relisting)
    collate = Collator(processor, model.config.num_patches, config.masking, contrast)
    loop = PretrainLoop(model, config, collate, training, validation, folder)
    step = loop.run(accelerator, report, until)
    if accelerator.is_main_process:
        with silence():
            accelerator.unwrap_model(model).item.save_pretrained(out)
            processor.save_pretrained(out)
    accelerator.end_training()
    finished = step == config.train.steps
    return PretrainReport(rows, table.num_rows, step, finished, accelerator.is_main_process)


def _pairs(table: pa.Table, config: PretrainConfig, processes: int) -> tuple[TrainingPairs, TrainingPairs]:
    """The pairs of all steps in their order, and the pairs of the held-out listings."""
    train = config.train
    training_rows, held_out_rows = split_held_out(table.num_rows, train.held_out, train.seed)
    batches = train.steps * train.gradient_accumulation * processes
    plan = plan_rows(training_rows, table, batches, config)
    groups = rows_of_groups(table, training_rows)
    return (
        TrainingPairs(table, plan, groups, config.relisting, train.seed),
        TrainingPairs(table, held_out_rows, {}, config.relisting, train.seed + 1),
    )


def _prepare_folder(
    catalogs: Sequence[CatalogConfig], config: PretrainConfig, folder: Path, note: Callable[[str], None]
) -> int:
    """Writes the run's configuration and training table, unless an earlier start of the same run has.

    Returns:
        The number of rows read from the catalogs.
    """
    described: dict[str, Any] = {
        "catalogs": [{"path": catalog.path, "columns": dict(catalog.columns)} for catalog in catalogs],
        "config": asdict(config),
    }
    path = folder / "run.json"
    if path.exists():
        recorded = json.loads(path.read_text())
        if recorded.get("catalogs") == described["catalogs"] and recorded["config"] == described["config"]:
            return int(recorded["rows"])
        if (folder / "checkpoint").exists():
            raise ModelError(
                f"{folder.parent} holds a run of another catalog or configuration: give another --out"
            )
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    note(f"reading {', '.join(catalog.path for catalog in catalogs)}")
    rows = prepare_catalogs(catalogs, folder / "catalog.arrow", config.relisting.group)
    path.write_text(json.dumps({**described, "rows": rows}, indent=1))
    return rows


def _build(config: PretrainConfig, table: pa.Table, folder: Path) -> tuple[ITEmProcessor, ITEmForPreTraining]:
    """The processor and the model with its starting weights."""
    tokenizer = _tokenizer(config, table, folder)
    try:
        model_config = ITEmConfig(
            **{**config.model, "vocab_size": len(tokenizer), "pad_token_id": tokenizer.pad_token_id}
        )
    except (StrictDataclassError, ValueError, TypeError) as error:
        raise ModelError(f"model: {str(error).strip().splitlines()[-1].strip()}") from error
    model = build_model(model_config, config.start.text, config.start.image)
    return ITEmProcessor(ITEmImageProcessor(side=model_config.image_size), tokenizer), model


def _tokenizer(config: PretrainConfig, table: pa.Table, folder: Path) -> PreTrainedTokenizerBase:
    """The starting checkpoint's tokenizer; else one trained on the titles and saved for a resumption."""
    max_title_tokens = int(config.model.get("max_title_tokens", ITEmConfig.max_title_tokens))
    if name := config.start.text or config.start.tokenizer:
        return load_tokenizer(name, max_title_tokens)
    saved = folder / "tokenizer"
    if not saved.is_dir():
        titles = (title for title in table["title"].to_pylist() if title)
        build_tokenizer(titles, max_title_tokens).save_pretrained(saved)
    return load_tokenizer(str(saved), max_title_tokens)


def _fit_parts(
    model: ITEmForPreTraining,
    processor: ITEmProcessor,
    training: TrainingPairs,
    note: Callable[[str], None],
) -> None:
    """Fits the lexical part to the titles, and the image part to the pictures."""
    encoder = model.item
    if encoder.lexical is not None:
        note("fitting the weights of the titles' character n-grams")
        encoder.lexical.fit(title for title in training.table["title"].to_pylist() if title)
    if encoder.image_skip is not None:
        note(f"fitting the principal axes of {FIT_SAMPLE:,} pictures")
        _fit_image_skip(encoder, encoder.image_skip, processor, training)


@torch.no_grad()
def _fit_image_skip(
    encoder: ITEmModel, skip: ImageSkip, processor: ITEmProcessor, training: TrainingPairs
) -> None:
    """Fits to the first `FIT_SAMPLE` pictures in training order; skipped if there are fewer than axes."""
    encoder.eval()
    pooled: list[Tensor] = []
    start = 0
    while start < len(training) and sum(map(len, pooled)) < FIT_SAMPLE:
        stop = min(start + FIT_BATCH, len(training))
        images = [training[place].images[0] for place in range(start, stop)]
        present = [image for image in images if image is not None]
        if present:
            features = encoder.patches(torch.from_numpy(processor.image_processor(present))).pooled
            assert features is not None, "only convolutional patches have a skip"
            pooled.append(features)
        start += FIT_BATCH
    if pooled and sum(map(len, pooled)) >= skip.projection.out_features:
        skip.fit(torch.cat(pooled))
