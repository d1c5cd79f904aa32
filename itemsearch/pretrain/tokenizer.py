"""Training of a WordPiece tokenizer on titles, for models without a starting checkpoint."""

from __future__ import annotations

from collections.abc import Iterable

from tokenizers import BertWordPieceTokenizer
from transformers import BertTokenizerFast, PreTrainedTokenizerBase

VOCABULARY_SIZE = 8192


def build_tokenizer(
    titles: Iterable[str], max_title_tokens: int, pieces: int = VOCABULARY_SIZE
) -> PreTrainedTokenizerBase:
    """A tokenizer with at most `pieces` lower-cased word pieces learnt from `titles`.

    Not reproducible: the library breaks ties between equally frequent pieces at random.
    """
    learner = BertWordPieceTokenizer(lowercase=True)
    learner.train_from_iterator(titles, vocab_size=pieces, show_progress=False)
    return BertTokenizerFast(tokenizer_object=learner._tokenizer, model_max_length=max_title_tokens)
