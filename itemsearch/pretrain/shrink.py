"""Makes a model folder small enough to ship: half precision, and no word pieces that titles do not use.

    python -m itemsearch.pretrain.shrink MODEL --out SMALL [--pieces N]

BERT's vocabulary is in order of frequency. What goes are its placeholders, the pieces with letters that are
not Latin, and those after the first N; a title that held one is spelt in shorter pieces, or as unknown.
"""

from __future__ import annotations

import argparse
import json
import shutil
import unicodedata
from pathlib import Path
from typing import Any

import torch

from itemsearch.embed.encoder import model_folder
from itemsearch.model import ITEmModel
from itemsearch.ranking.ranking import RANKING_FILE

PIECES = 27_000
WORDS = "embeddings.word_embeddings.weight"
CARRIED = ("processor_config.json", "tokenizer_config.json", RANKING_FILE)


def shrink(model: Path, out: Path, pieces: int = PIECES) -> tuple[int, int]:
    """Writes the smaller model; returns its word pieces and the bytes of its weights.

    Raises:
        ModelError: `model` is no model folder.
    """
    folder = model_folder(str(model))
    described = json.loads((folder / "tokenizer.json").read_text("utf-8"))
    old = described["model"]["vocab"]
    kept = sorted(id for piece, id in old.items() if _is_used(piece, id, pieces))
    whole = ITEmModel.from_pretrained(folder, dtype=torch.float32)
    weights = whole.state_dict()
    weights[WORDS] = weights[WORDS][kept]
    whole.config.vocab_size = len(kept)
    smaller = ITEmModel(whole.config)
    smaller.load_state_dict(weights)
    out.mkdir(parents=True, exist_ok=True)
    smaller.half().save_pretrained(out)
    new = {id: place for place, id in enumerate(kept)}
    _renumber(described, {piece: new[id] for piece, id in old.items() if id in new})
    (out / "tokenizer.json").write_text(json.dumps(described, ensure_ascii=False), "utf-8")
    for name in CARRIED:
        if (folder / name).exists():
            shutil.copyfile(folder / name, out / name)
    return len(kept), (out / "model.safetensors").stat().st_size


def _is_used(piece: str, id: int, pieces: int) -> bool:
    if piece.startswith("[unused"):
        return False
    letters = [letter for letter in piece if letter.isalpha()]
    latin = all(unicodedata.name(letter, "").startswith("LATIN") for letter in letters)
    return latin and id < pieces


def _renumber(described: dict[str, Any], vocabulary: dict[str, int]) -> None:
    """Gives the tokenizer of `tokenizer.json` another vocabulary; its special tokens are in it."""
    described["model"]["vocab"] = vocabulary
    for token in described["added_tokens"]:
        token["id"] = vocabulary[token["content"]]
    for token in described["post_processor"].get("special_tokens", {}).values():
        token["ids"] = [vocabulary[piece] for piece in token["tokens"]]


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m itemsearch.pretrain.shrink")
    parser.add_argument("model", type=Path)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--pieces", type=int, default=PIECES)
    arguments = parser.parse_args()
    pieces, size = shrink(arguments.model, arguments.out, arguments.pieces)
    print(f"{pieces:,} word pieces, {size / 1e6:.1f} MB of weights in {arguments.out}")


if __name__ == "__main__":
    main()
