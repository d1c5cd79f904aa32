from __future__ import annotations

import json
from pathlib import Path

import numpy as np
from support.catalogs import draw_picture, titles

from itemsearch.embed.encoder import Encoder, open_encoder
from itemsearch.embed.torch_encoder import TorchEncoder
from itemsearch.pretrain.shrink import shrink


def vocabulary(folder: Path) -> dict[str, int]:
    pieces: dict[str, int] = json.loads((folder / "tokenizer.json").read_text())["model"]["vocab"]
    return pieces


def test_a_smaller_model_embeds_alike(tiny_model: Path, encoder: Encoder, tmp_path: Path) -> None:
    pieces, size = shrink(tiny_model, tmp_path / "small")
    assert pieces == len(vocabulary(tmp_path / "small"))
    assert size < 0.6 * (tiny_model / "model.safetensors").stat().st_size
    small = open_encoder(str(tmp_path / "small"), "cpu")
    pictures = [draw_picture(number) for number in range(20)]
    cosines = (small.encode(titles(20), pictures) * encoder.encode(titles(20), pictures)).sum(axis=1)
    np.testing.assert_allclose(cosines, 1, atol=1e-4)


def test_rare_pieces_go_and_the_others_keep_their_vectors(tiny_model: Path, tmp_path: Path) -> None:
    before = vocabulary(tiny_model)
    limit = len(before) - 20
    assert shrink(tiny_model, tmp_path / "small", limit)[0] <= limit
    after = vocabulary(tmp_path / "small")
    assert set(after) <= {piece for piece, id in before.items() if id < limit}
    assert sorted(after.values()) == list(range(len(after)))
    whole = TorchEncoder.from_pretrained(str(tiny_model), "cpu")
    small = TorchEncoder.from_pretrained(str(tmp_path / "small"), "cpu")
    old, new = (encoder.model.get_input_embeddings().weight for encoder in (whole, small))
    for piece, id in after.items():
        np.testing.assert_allclose(new[id].tolist(), old[before[piece]].tolist(), atol=1e-3)
    tokenizer = small.processor.tokenizer
    ids = tokenizer(titles(60)[59])["input_ids"]
    assert (ids[0], ids[-1]) == (after["[CLS]"], after["[SEP]"])
    assert (tokenizer.pad_token_id, tokenizer.mask_token_id) == (after["[PAD]"], after["[MASK]"])
