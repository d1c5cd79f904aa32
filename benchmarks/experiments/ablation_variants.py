"""What an ablation leaves out: a configuration, and the same without one part of the method after another."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from itemsearch.pretrain.config import PretrainConfig

OBJECTIVES = ("itm", "mlm", "mim", "global_mlm", "global_mim")
PARTS = {"image skip": "image_skip_dim", "colour": "colour_bins", "lexical": "lexical_dim"}
"""The embedding's parts beside the stream, and the field of `ITEmConfig` that sizes each."""


@dataclass(frozen=True, slots=True)
class Variant:
    """model: the variant whose model it is measured with. parts_only: embeddings lose the stream's part."""

    config: PretrainConfig
    model: str
    parts_only: bool = False


def variants(base: PretrainConfig) -> Mapping[str, Variant]:
    """By name, the whole first. What `base` itself does without is not left out again."""
    held = [part for part, field in PARTS.items() if base.model.get(field)]
    changed = {
        "full": base,
        **{f"no {name}": _objectives(base, **{name: 0.0}) for name in OBJECTIVES},
        "no objectives": _objectives(base, **dict.fromkeys(OBJECTIVES, 0.0)),
        "no relisting contrast": _objectives(base, relisting=0.0),
        "no hard batches": _relisting(base, same_category=0.0),
        "no modality dropout": _relisting(base, hide_title=0.0, hide_image=0.0),
        **{f"no {part}": _without(base, part) for part in held},
        "no parts": _without(base, *held),
        "untrained": replace(base, train=replace(base.train, steps=1, learning_rate=0.0)),
    }
    found = {
        name: Variant(config, model=name)
        for name, config in changed.items()
        if name == "full" or config != base
    }
    return {**found, "parts only": Variant(base, model="full", parts_only=True)} if held else found


def _objectives(base: PretrainConfig, **weights: float) -> PretrainConfig:
    return replace(base, objectives=replace(base.objectives, **weights))


def _relisting(base: PretrainConfig, **shares: Any) -> PretrainConfig:
    return replace(base, relisting=replace(base.relisting, **shares))


def _without(base: PretrainConfig, *parts: str) -> PretrainConfig:
    return replace(base, model={**base.model, **{PARTS[part]: 0 for part in parts}})
