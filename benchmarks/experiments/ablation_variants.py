"""The variants of an ablation: a configuration, and the same without one part of the method each."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from itemsearch.pretrain.config import PretrainConfig

OBJECTIVES = ("itm", "mlm", "mim", "global_mlm", "global_mim")
PARTS = {"image skip": "image_skip_dim", "colour": "colour_bins", "lexical": "lexical_dim"}
"""The parts of the embedding beside the stream, and the field of `ITEmConfig` with the size of each."""


@dataclass(frozen=True, slots=True)
class Variant:
    """model: the variant of the measured model. parts_only: embeddings are used without the stream."""

    config: PretrainConfig
    model: str
    parts_only: bool = False


def variants(base: PretrainConfig) -> Mapping[str, Variant]:
    """Name to variant, the full one first. A part that `base` does not have is not left out."""
    present = [part for part, field in PARTS.items() if base.model.get(field)]
    changed = {
        "full": base,
        **{f"no {name}": _objectives(base, **{name: 0.0}) for name in OBJECTIVES},
        "no objectives": _objectives(base, **dict.fromkeys(OBJECTIVES, 0.0)),
        "no relisting contrast": _objectives(base, relisting=0.0),
        "no hard batches": replace(base, relisting=replace(base.relisting, same_category=0.0)),
        "no modality dropout": replace(
            base, relisting=replace(base.relisting, hide_title=0.0, hide_image=0.0)
        ),
        **{f"no {part}": _without(base, part) for part in present},
        "no parts": _without(base, *present),
        "untrained": replace(base, train=replace(base.train, steps=1, learning_rate=0.0)),
    }
    by_name = {
        name: Variant(config, model=name)
        for name, config in changed.items()
        if name == "full" or config != base
    }
    return {**by_name, "parts only": Variant(base, model="full", parts_only=True)} if present else by_name


def _objectives(base: PretrainConfig, **weights: float) -> PretrainConfig:
    return replace(base, objectives=replace(base.objectives, **weights))


def _without(base: PretrainConfig, *parts: str) -> PretrainConfig:
    return replace(base, model={**base.model, **{PARTS[part]: 0 for part in parts}})
