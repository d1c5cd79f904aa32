"""Configuration of a pre-training run, read from a TOML file or a preset, which is such a file."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from itemsearch.decode import read_toml
from itemsearch.errors import ModelError
from itemsearch.model.pretraining import ObjectiveWeights

PRESETS = Path(__file__).parent / "presets"


@dataclass(frozen=True, slots=True)
class StartConfig:
    """Starting checkpoints, by folder, hub name or registry package.

    text: a BERT checkpoint for the stream and its tokenizer; "" for random weights.
    image: a checkpoint for the patches; "" for random weights.
    tokenizer: a checkpoint with a WordPiece tokenizer, used if `text` is ""; "" trains one on the titles.
    """

    text: str = ""
    image: str = ""
    tokenizer: str = ""


@dataclass(frozen=True, slots=True)
class RelistingConfig:
    """The two listings of a product that the relisting contrast compares.

    word_edits, picture_edits: maximum number of edits of a title and of a picture.
    other_angle: share of pictures shown from another angle (`itemsearch.relisting.angle`) before the edits.
    hide_title, hide_image: shares of second listings without title, and without picture.
    same_category: share of draws (`itemsearch.pretrain.data.plan_rows`) from one leaf category.
    group: a column of the catalog whose values are equal for listings known to be one product, of which two
        are then contrasted; "" for none.
    temperature: divides the similarities of the contrast.
    """

    word_edits: int = 3
    picture_edits: int = 3
    other_angle: float = 0.0
    hide_title: float = 0.15
    hide_image: float = 0.15
    same_category: float = 0.5
    group: str = ""
    temperature: float = 0.05


@dataclass(frozen=True, slots=True)
class MaskingConfig:
    """Shares of words and of patches that are masked, and of pictures swapped for another product's."""

    words: float = 0.15
    patches: float = 0.3
    swapped_pictures: float = 0.2


@dataclass(frozen=True, slots=True)
class TrainConfig:
    """The training loop.

    steps: updates of the weights.
    batch_size: products a batch and process.
    gradient_accumulation: batches a step and process.
    cached_contrast: contrast all batches of a step as one (`itemsearch.pretrain.cached_contrast`).
    learning_rate, warmup_share: the highest rate, and the share of steps in which it is reached linearly.
    freeze_patches: leave the patches' weights as they start.
    held_out: listings that are validated on and never trained on.
    validate_every, save_every, log_every: steps between validations, checkpoints and lines of the log.
    workers: processes that prepare batches; 0 for none beside the training process.
    """

    steps: int
    batch_size: int
    gradient_accumulation: int = 1
    cached_contrast: bool = False
    learning_rate: float = 1e-4
    warmup_share: float = 0.1
    weight_decay: float = 0.01
    freeze_patches: bool = False
    held_out: int = 256
    validate_every: int = 100
    save_every: int = 100
    log_every: int = 10
    workers: int = 0
    seed: int = 0

    @property
    def contrast_size(self) -> int:
        """Number of products in one relisting contrast, of one process."""
        return self.batch_size * (self.gradient_accumulation if self.cached_contrast else 1)


@dataclass(frozen=True, slots=True)
class PretrainConfig:
    """A whole configuration file. model: fields of `ITEmConfig`."""

    model: Mapping[str, Any]
    train: TrainConfig
    start: StartConfig = field(default_factory=StartConfig)
    objectives: ObjectiveWeights = field(default_factory=ObjectiveWeights)
    relisting: RelistingConfig = field(default_factory=RelistingConfig)
    masking: MaskingConfig = field(default_factory=MaskingConfig)


def read_config(path: Path) -> PretrainConfig:
    """Reads a configuration file.

    Raises:
        ModelError: the file cannot be read, or a key or value is wrong.
    """
    return read_toml(PretrainConfig, path, ModelError)


def read_preset(name: str) -> PretrainConfig:
    """Reads the preset tiny, small or base.

    Raises:
        ModelError: no such preset.
    """
    path = PRESETS / f"{name}.toml"
    if not path.is_file():
        names = ", ".join(sorted(preset.stem for preset in PRESETS.glob("*.toml")))
        raise ModelError(f"no preset {name!r}; there are {names}")
    return read_config(path)
