"""A WordPiece vocabulary drawn up from a catalog's own titles, for models that start from nothing."""

from __future__ import annotations

from collections.abc import Iterable

from tokenizers import BertWordPieceTokenizer
from transformers import BertTokenizerFast, PreTrainedTokenizerBase

VOCABULARY_SIZE = 8192


def build_tokenizer(titles: Iterable[str], max_title_tokens: int) -> PreTrainedTokenizerBase:
    """Learns at most `VOCABULARY_SIZE` lower-cased word pieces from `titles`.

    The library breaks ties between equally frequent pieces at random: keep what this returns.
    """
    pieces = BertWordPieceTokenizer(lowercase=True)
    pieces.train_from_iterator(titles, vocab_size=VOCABULARY_SIZE, show_progress=False)
    return BertTokenizerFast(tokenizer_object=pieces._tokenizer, model_max_length=max_title_tokens)
