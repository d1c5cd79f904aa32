"""A model that starts from a BERT of another language, given by its folder."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from transformers import BertConfig, BertModel

from itemsearch.errors import ModelError
from itemsearch.model import ITEmConfig
from itemsearch.pretrain.start import build_model, load_tokenizer
from itemsearch.pretrain.tokenizer import build_tokenizer

TITLES = ["красная кружка", "синяя лампа", "κόκκινη κούπα", "नीला दीपक"] * 8


@pytest.fixture
def multilingual(tmp_path: Path) -> Path:
    """A tiny BERT whose word pieces are of three scripts."""
    tokenizer = build_tokenizer(TITLES, 16)
    tokenizer.save_pretrained(tmp_path)
    torch.manual_seed(0)
    config = BertConfig(
        vocab_size=len(tokenizer),
        hidden_size=32,
        num_hidden_layers=1,
        num_attention_heads=2,
        intermediate_size=64,
        max_position_embeddings=32,
    )
    BertModel(config).save_pretrained(tmp_path)
    return tmp_path


def config_of(folder: Path, hidden_size: int = 32) -> ITEmConfig:
    return ITEmConfig(
        vocab_size=len(load_tokenizer(str(folder), 16)),
        hidden_size=hidden_size,
        num_hidden_layers=1,
        num_attention_heads=2,
        intermediate_size=64,
        max_title_tokens=16,
        image_size=32,
        patch_size=8,
    )


def test_its_words_are_known_and_its_weights_are_taken(multilingual: Path) -> None:
    tokenizer = load_tokenizer(str(multilingual), 16)
    for title in TITLES[:4]:
        assert tokenizer.unk_token not in tokenizer.tokenize(title)
    model = build_model(config_of(multilingual), str(multilingual), "").item
    bert = BertModel.from_pretrained(multilingual)
    torch.testing.assert_close(
        model.embeddings.word_embeddings.weight, bert.embeddings.word_embeddings.weight
    )
    torch.testing.assert_close(
        model.encoder.layer[0].output.dense.weight, bert.encoder.layer[0].output.dense.weight
    )


def test_a_bert_of_another_width_is_told(multilingual: Path) -> None:
    with pytest.raises(ModelError, match="32"):
        build_model(config_of(multilingual, 64), str(multilingual), "")
