"""A WordPiece vocabulary drawn up from a catalog's own titles, for models that start from nothing."""

from __future__ import annotations

from collections.abc import Iterable

from tokenizers import BertWordPieceTokenizer
from transformers import BertTokenizerFast, PreTrainedTokenizerBase

VOCABULARY_SIZE = 8192


def build_tokenizer(
    titles: Iterable[str], max_title_tokens: int, pieces: int = VOCABULARY_SIZE
) -> PreTrainedTokenizerBase:
    """Learns at most `pieces` lower-cased word pieces from `titles`.

    The library breaks ties between equally frequent pieces at random: keep what this returns.
    """
    learner = BertWordPieceTokenizer(lowercase=True)
    learner.train_from_iterator(titles, vocab_size=pieces, show_progress=False)
    return BertTokenizerFast(tokenizer_object=learner._tokenizer, model_max_length=max_title_tokens)
