"""What the objectives' losses are worth: those of predictors that look at nothing of the product itself."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa
import torch
from torch import Tensor
from torch.nn import functional as F

from itemsearch.embed.torch_encoder import TorchEncoder
from itemsearch.model import ITEmModel
from itemsearch.model.pretraining import PretrainBatch
from itemsearch.objectives.masking import IGNORED
from itemsearch.pretrain.batches import Collator, TrainingPairs
from itemsearch.pretrain.config import PretrainConfig
from itemsearch.pretrain.data import split_held_out

SAMPLE = 2048
"""Training products that words are counted and patches averaged over."""
CHUNK = 64


def trivial_losses(run: Path, encoder: TorchEncoder, config: PretrainConfig) -> dict[str, float]:
    """The held-out losses of the commonest words, of the mean patch of each place, and of the swapped share.

    run: the state of a training by `config` (`itemsearch.pretrain.run`); encoder: what came of it.
    """
    table = pa.ipc.open_file(pa.memory_map(str(run / "catalog.arrow"))).read_all()
    training, held_out = split_held_out(table.num_rows, config.train.held_out, config.train.seed)
    rng = np.random.default_rng(config.train.seed)
    known = rng.permutation(training)[:SAMPLE]
    collate = Collator(encoder.processor, encoder.model.config.num_patches, config.masking, contrast=False)

    def batches(rows: np.ndarray, seed: int) -> Iterator[PretrainBatch]:
        products = TrainingPairs(table, rows, {}, config.relisting, seed)
        for start in range(0, len(rows), CHUNK):
            yield collate([products[place] for place in range(start, min(start + CHUNK, len(rows)))])

    learnt = list(batches(known, config.train.seed))
    asked = list(batches(held_out, config.train.seed + 1))
    words = word_loss(learnt, asked, len(encoder.processor.tokenizer))
    patches = patch_loss(encoder.model, learnt, asked)
    return {
        "itm": matching_loss(asked),
        "mlm": words,
        "mim": patches,
        "global_mlm": words,
        "global_mim": patches,
    }


def word_loss(learnt: Sequence[PretrainBatch], asked: Sequence[PretrainBatch], vocabulary: int) -> float:
    """Cross-entropy of hidden words by how often each was hidden in `learnt`, plus one."""
    counts = torch.ones(vocabulary, dtype=torch.float64)
    for batch in learnt:
        counts += torch.bincount(batch.labels[batch.labels != IGNORED], minlength=vocabulary)
    surprise = -(counts / counts.sum()).log()
    labels = torch.cat([batch.labels[batch.matched].flatten() for batch in asked])
    return float(surprise[labels[labels != IGNORED]].mean())


@torch.no_grad()
def patch_loss(model: ITEmModel, learnt: Sequence[PretrainBatch], asked: Sequence[PretrainBatch]) -> float:
    """Mean squared error of the hidden patches' normalised features to each place's mean in `learnt`."""

    def targets(batch: PretrainBatch) -> Tensor:
        assert batch.first.pixel_values is not None, "there are pictures"
        grid = model.patches(batch.first.pixel_values).grid.float()  # (B, P, F)
        return F.layer_norm(grid, grid.shape[-1:])

    mean = torch.cat([targets(batch) for batch in learnt]).mean(dim=0)  # (P, F)
    errors = []
    for batch in asked:
        assert batch.first.patch_mask is not None, "patches are always masked"
        hidden = batch.first.patch_mask & batch.matched[:, None]
        errors.append(((targets(batch) - mean) ** 2).mean(dim=-1)[hidden])  # (B, P, F) -> (B, P) -> (N,)
    return float(torch.cat(errors).mean())


def matching_loss(asked: Sequence[PretrainBatch]) -> float:
    """The entropy of how many pictures are swapped."""
    share = float(torch.cat([batch.matched for batch in asked]).float().mean())
    if share in (0.0, 1.0):
        return 0.0
    return -share * math.log(share) - (1 - share) * math.log(1 - share)
