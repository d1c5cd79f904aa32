"""Pre-training batches: pairs of listings of one product, and their tensors.

A batch depends on the configuration, the seed and its place alone, so a resumed run sees the same batches.
"""

from __future__ import annotations

import io
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import torch
from PIL import Image
from torch.utils.data import Dataset

from itemsearch.model import EncoderInput, ITEmProcessor
from itemsearch.model.pretraining import PretrainBatch
from itemsearch.objectives.masking import Vocabulary, mask_patches, mask_words, swap_pictures
from itemsearch.pretrain.config import MaskingConfig, RelistingConfig
from itemsearch.relisting.angle import other_angle
from itemsearch.relisting.pictures import rephotograph
from itemsearch.relisting.words import reword


@dataclass(frozen=True, slots=True)
class TrainingPair:
    """Two listings of one product, and the seed of their masking.

    titles: "" where a listing has none. images: RGB, None where a listing has none.
    """

    titles: tuple[str, str]
    images: tuple[Image.Image | None, Image.Image | None]
    seed: int


class TrainingPairs(Dataset[TrainingPair]):
    """Item i is a pair of listings of the product in row `plan[i]`; it depends on `seed` and i alone.

    Where the row's group has other rows, one of them is the second listing, and both keep their titles.
    Elsewhere both listings are the row itself with different edits. Pictures are always edited.
    """

    def __init__(
        self,
        table: pa.Table,
        plan: npt.NDArray[np.int64],
        groups: Mapping[str, Sequence[int]],
        config: RelistingConfig,
        seed: int,
    ) -> None:
        self.table = table
        self.plan = plan
        self.groups = groups
        self.config = config
        self.seed = seed

    def __len__(self) -> int:
        return len(self.plan)

    def __getitem__(self, place: int) -> TrainingPair:
        rng = np.random.default_rng([self.seed, 2, place])
        row = int(self.plan[place])
        group = self.table["group"][row].as_py()
        other_rows = [other for other in self.groups.get(group, ()) if other != row]
        if other_rows:
            rows = (row, other_rows[int(rng.integers(len(other_rows)))])
            titles = [self.table["title"][member].as_py() for member in rows]
        else:
            rows = (row, row)
            titles = [self._reword(member, rng) for member in rows]
        images = [self._rephotograph(member, rng) for member in rows]
        draw = rng.random()
        if titles[1] and images[1] is not None:
            if draw < self.config.hide_title:
                titles[1] = ""
            elif draw < self.config.hide_title + self.config.hide_image:
                images[1] = None
        return TrainingPair((titles[0], titles[1]), (images[0], images[1]), int(rng.integers(2**62)))

    def _reword(self, row: int, rng: np.random.Generator) -> str:
        attributes = {"category": self.table["category"][row].as_py()}
        attributes |= json.loads(self.table["attributes"][row].as_py())
        edits = int(rng.integers(self.config.word_edits + 1))
        return reword(self.table["title"][row].as_py(), attributes, rng, edits)[0]

    def _rephotograph(self, row: int, rng: np.random.Generator) -> Image.Image | None:
        jpeg = self.table["image"][row].as_py()
        if jpeg is None:
            return None
        image = Image.open(io.BytesIO(jpeg)).convert("RGB")
        if rng.random() < self.config.other_angle:
            image = other_angle(image, rng)
        return rephotograph(image, rng, int(rng.integers(self.config.picture_edits + 1)))[0]


@dataclass(frozen=True, slots=True)
class Collator:
    """Converts training pairs to a batch of tensors, with the words and patches of the first listings masked.

    patches: number of patches of a picture. contrast: whether the batch includes the second listings.
    """

    processor: ITEmProcessor
    patches: int
    masking: MaskingConfig
    contrast: bool

    def __call__(self, pairs: Sequence[TrainingPair]) -> PretrainBatch:
        """One batch; its masking is drawn by the first pair's seed."""
        generator = torch.Generator().manual_seed(pairs[0].seed)
        first = self._encoder_input(pairs, 0)
        source = swap_pictures(first.has_image & first.has_title, self.masking.swapped_pictures, generator)
        tokenizer = self.processor.tokenizer
        vocabulary = Vocabulary(len(tokenizer), tokenizer.mask_token_id, tuple(tokenizer.all_special_ids))
        input_ids, labels = mask_words(first.input_ids, vocabulary, self.masking.words, generator)
        pixels = first.pixel_values
        patches = 0 if pixels is None else self.patches
        masked = replace(
            first,
            input_ids=input_ids,
            pixel_values=None if pixels is None else pixels[source],
            patch_mask=mask_patches(len(pairs), patches, self.masking.patches, generator),
        )
        return PretrainBatch(
            first=masked,
            second=self._encoder_input(pairs, 1) if self.contrast else None,
            labels=labels[:, 1:],
            matched=source == torch.arange(len(pairs)),
        )

    def _encoder_input(self, pairs: Sequence[TrainingPair], side: int) -> EncoderInput:
        """The first (side 0) or the second (side 1) listings of the pairs."""
        return self.processor([pair.titles[side] for pair in pairs], [pair.images[side] for pair in pairs])
