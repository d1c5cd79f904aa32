"""What a pre-training run does: a TOML file, or one of the presets, which are such files themselves."""

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
    """Checkpoints to start from, by folder, hub name or registry package; "" for random weights.

    tokenizer: whose WordPiece vocabulary to use where `text` is ""; "" draws one up from the catalog.
    """

    text: str = ""
    image: str = ""
    tokenizer: str = ""


@dataclass(frozen=True, slots=True)
class RelistingConfig:
    """How the two listings of a product differ.

    word_edits, picture_edits: at most so many edits at once. other_angle: share of pictures that show the
    product from elsewhere (`itemsearch.relisting.angle`) before they are edited. hide_title, hide_image:
    shares of second listings that lack one modality. same_category: share of batches drawn from one leaf
    category.
    group: a column of the catalog that is equal for rows known to be one product: two of them are then
    its two listings. "" where none is known.
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
    """Shares of words and patches hidden, and of pictures swapped for another product's."""

    words: float = 0.15
    patches: float = 0.3
    swapped_pictures: float = 0.2


@dataclass(frozen=True, slots=True)
class TrainConfig:
    """batch_size counts products a batch and process; steps counts updates of the weights.

    gradient_accumulation: batches a step. cached_contrast: they are contrasted as one, at the price of one
    more forward pass (`itemsearch.pretrain.cached_contrast`).
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
    def contrasted(self) -> int:
        """How many products are told apart at once."""
        return self.batch_size * (self.gradient_accumulation if self.cached_contrast else 1)


@dataclass(frozen=True, slots=True)
class PretrainConfig:
    """`model` holds the fields of `ITEmConfig`."""

    model: Mapping[str, Any]
    train: TrainConfig
    start: StartConfig = field(default_factory=StartConfig)
    objectives: ObjectiveWeights = field(default_factory=ObjectiveWeights)
    relisting: RelistingConfig = field(default_factory=RelistingConfig)
    masking: MaskingConfig = field(default_factory=MaskingConfig)


def read_config(path: Path) -> PretrainConfig:
    """A configuration file.

    Raises:
        ModelError: the file cannot be read, or a key or value is wrong.
    """
    return read_toml(PretrainConfig, path, ModelError)


def read_preset(name: str) -> PretrainConfig:
    """A preset by name: tiny, small or base.

    Raises:
        ModelError: no such preset.
    """
    path = PRESETS / f"{name}.toml"
    if not path.is_file():
        names = ", ".join(sorted(preset.stem for preset in PRESETS.glob("*.toml")))
        raise ModelError(f"no preset {name!r}; there are {names}")
    return read_config(path)
