"""Shrinks a model folder for shipping: half precision, and a smaller vocabulary.

    python -m itemsearch.pretrain.shrink MODEL --out SMALL [--pieces N]

BERT's vocabulary is in order of frequency. This removes its placeholders, the pieces with letters that are
not Latin, and those after the first N. A title with a removed piece is split into shorter pieces or [UNK].
"""

from __future__ import annotations

import argparse
import json
import shutil
import unicodedata
from pathlib import Path
from typing import Any

import torch

from itemsearch.embed.model_folder import model_folder
from itemsearch.model import ITEmModel
from itemsearch.ranking.ranking import RANKING_FILE

PIECES = 27_000
"""Number of pieces at the beginning of BERT's vocabulary that may stay."""
WORD_EMBEDDINGS = "embeddings.word_embeddings.weight"
COPIED_FILES = ("processor_config.json", "tokenizer_config.json", RANKING_FILE)


def shrink(model: Path, out: Path, pieces: int = PIECES) -> tuple[int, int]:
    """Writes the smaller model folder `out`.

    Returns:
        The size of its vocabulary, and the bytes of its weights.

    Raises:
        ModelError: `model` is no model folder.
    """
    folder = model_folder(str(model))
    tokenizer = json.loads((folder / "tokenizer.json").read_text("utf-8"))
    old_ids = tokenizer["model"]["vocab"]
    kept_ids = sorted(id for piece, id in old_ids.items() if _is_kept(piece, id, pieces))
    whole = ITEmModel.from_pretrained(folder, dtype=torch.float32)
    weights = whole.state_dict()
    weights[WORD_EMBEDDINGS] = weights[WORD_EMBEDDINGS][kept_ids]
    whole.config.vocab_size = len(kept_ids)
    smaller = ITEmModel(whole.config)
    smaller.load_state_dict(weights)
    out.mkdir(parents=True, exist_ok=True)
    smaller.half().save_pretrained(out)
    new_ids = {old_id: new_id for new_id, old_id in enumerate(kept_ids)}
    _renumber(tokenizer, {piece: new_ids[id] for piece, id in old_ids.items() if id in new_ids})
    (out / "tokenizer.json").write_text(json.dumps(tokenizer, ensure_ascii=False), "utf-8")
    for name in COPIED_FILES:
        if (folder / name).exists():
            shutil.copyfile(folder / name, out / name)
    return len(kept_ids), (out / "model.safetensors").stat().st_size


def _is_kept(piece: str, id: int, pieces: int) -> bool:
    if piece.startswith("[unused"):
        return False
    letters = [letter for letter in piece if letter.isalpha()]
    latin = all(unicodedata.name(letter, "").startswith("LATIN") for letter in letters)
    return latin and id < pieces


def _renumber(tokenizer: dict[str, Any], vocabulary: dict[str, int]) -> None:
    """Replaces the vocabulary of a `tokenizer.json`; `vocabulary` includes its special tokens."""
    tokenizer["model"]["vocab"] = vocabulary
    for token in tokenizer["added_tokens"]:
        token["id"] = vocabulary[token["content"]]
    for token in tokenizer["post_processor"].get("special_tokens", {}).values():
        token["ids"] = [vocabulary[piece] for piece in token["tokens"]]


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(prog="python -m itemsearch.pretrain.shrink")
    parser.add_argument("model", type=Path)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--pieces", type=int, default=PIECES)
    arguments = parser.parse_args()
    pieces, size = shrink(arguments.model, arguments.out, arguments.pieces)
    print(f"{pieces:,} word pieces, {size / 1e6:.1f} MB of weights in {arguments.out}")


if __name__ == "__main__":
    main()
