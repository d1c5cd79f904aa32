from __future__ import annotations

import math
from pathlib import Path

import pytest
import torch

from itemsearch.model import ITEmModel
from itemsearch.model.lexical import IDF_POWER, LexicalSketch, pad_ngrams
from itemsearch.ngrams import hash_ngrams

SHARED = "Acme smartphone black "
TITLES = [
    SHARED + "MQ8N2B/A",
    SHARED + "MQ8P2B/A",
    SHARED + "64 GB",
    "MQ8N2B/A 64gb",
    *(f"{SHARED}{brand}" for brand in ("Lumia", "Nexus", "Xperia", "Galaxy", "Desire", "Pixel", "Moto")),
]


def sketch(buckets: int = 32768, dim: int = 4096, seed: int = 0) -> LexicalSketch:
    lexical = LexicalSketch(buckets, dim)
    lexical.draw(seed)
    return lexical


def slow_cosine(one: str, other: str) -> float:
    """Of two titles' weighted n-grams, each gram's frequency counted over all titles."""

    def weight(gram: int) -> float:
        holding = sum(gram in hash_ngrams(title) for title in TITLES)
        return (math.log((1 + len(TITLES)) / (1 + holding)) + 1) ** IDF_POWER

    first, second = ({gram: weight(gram) for gram in hash_ngrams(title)} for title in (one, other))
    shared = sum(first[gram] * second[gram] for gram in first.keys() & second.keys())
    return shared / (math.hypot(*first.values()) * math.hypot(*second.values()))


def test_inner_products_are_near_the_cosines_of_the_weighted_n_grams() -> None:
    lexical = sketch()
    lexical.fit(TITLES)
    vectors = lexical(pad_ngrams(TITLES[:5]))
    torch.testing.assert_close(vectors.norm(dim=1), torch.ones(5))
    for i in range(5):
        for j in range(i):
            expected = slow_cosine(TITLES[i], TITLES[j])
            assert (vectors[i] @ vectors[j]).item() == pytest.approx(expected, abs=0.05), (i, j)


def test_a_shared_model_number_outweighs_shared_common_words() -> None:
    lexical = sketch(dim=512)
    lexical.fit(TITLES)
    number, words, query = lexical(pad_ngrams(["MQ8N2B/A 128GB", SHARED + "Pixel", SHARED + "MQ8N2B/A"]))
    assert query @ number > query @ words


def test_weights_fall_with_the_number_of_titles_that_hold_an_n_gram() -> None:
    lexical = sketch(dim=8)
    lexical.fit(["red shirt", "blue shirt", "red cap"])
    of = {
        word: lexical.weights[1 + torch.tensor(hash_ngrams(word)) % 32767] for word in ("shirt", "cap", "zx")
    }
    assert of["shirt"].max() < of["cap"].min()
    assert of["cap"].max() < of["zx"].min()


def test_a_title_without_n_grams_is_zero_and_padding_adds_nothing() -> None:
    lexical = sketch(dim=64)
    alone = lexical(pad_ngrams(["mug"]))[0]
    among = lexical(pad_ngrams(["", "mug", "a much longer title than that", "!?"]))
    torch.testing.assert_close(among[1], alone, rtol=0, atol=1e-6)
    assert among[0].abs().max() == among[3].abs().max() == 0
    assert lexical(pad_ngrams(["", ""])).tolist() == [[0.0] * 64] * 2


def test_padded_rows_hold_each_titles_hashes() -> None:
    padded = pad_ngrams(["mug", "", "cap 64 gb"])
    assert padded.dtype == torch.int64
    assert [[value for value in row if value] for row in padded.tolist()] == [
        hash_ngrams("mug"), [], hash_ngrams("cap 64gb"),
    ]  # fmt: skip


def test_a_seed_draws_one_projection_and_another_seed_another() -> None:
    assert torch.equal(sketch(dim=64).signs, sketch(dim=64).signs)
    assert not torch.equal(sketch(dim=64).signs, sketch(dim=64, seed=1).signs)


def test_a_saved_model_keeps_its_projection_and_weights(tiny_model: Path, tmp_path: Path) -> None:
    model = ITEmModel.from_pretrained(tiny_model)
    drawn = sketch(2048, 64)
    drawn.fit(TITLES)
    model.lexical.load_state_dict(drawn.state_dict())
    model.save_pretrained(tmp_path)
    again = ITEmModel.from_pretrained(tmp_path).lexical
    assert again is not None
    assert torch.equal(again.signs, drawn.signs)
    assert torch.equal(again.weights, drawn.weights)
    assert len(again.signs.unique()) == 256
