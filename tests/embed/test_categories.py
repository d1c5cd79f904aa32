"""Category vectors, against a slow obvious reading of the model's own modules."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import torch
from support.catalogs import draw_picture, titles, write_catalog

from itemsearch.catalog import CatalogConfig
from itemsearch.embed.catalog import EmbedConfig, embed_catalog
from itemsearch.embed.categories import NO_WORDS, CategoryVectors
from itemsearch.embed.encoder import Encoder
from itemsearch.embed.torch_encoder import TorchEncoder
from itemsearch.search.build import build_index_folder
from itemsearch.search.folder import read_listings
from itemsearch.store.manifest import MANIFEST, read_manifest
from itemsearch.store.reader import open_embedded


def slow_vector(encoder: TorchEncoder, title: str, embedding: np.ndarray) -> np.ndarray:
    """Of the tiny model, whose parts are stream, colour and lexical: 32, 8 and 64 numbers."""
    stream = encoder.model.embeddings
    words = np.zeros(32)
    with torch.no_grad():
        for piece in encoder.tokenizer.encode(title).tokens:
            if piece not in NO_WORDS:
                place = torch.tensor(encoder.tokenizer.token_to_id(piece))
                words += stream.LayerNorm(stream.word_embeddings(place)).numpy()
    parts = [words, embedding[40:]]
    unit = [part / np.linalg.norm(part) if part.any() else part for part in parts]
    joined = np.concatenate(unit)
    return joined / max(np.linalg.norm(joined), 1e-12)


def test_they_are_the_words_at_the_start_of_the_stream_and_parts_of_the_embedding(
    torch_encoder: TorchEncoder,
) -> None:
    some = [titles(60)[3], titles(60)[4].upper(), "", "zzz\u4e00"]
    images = [None, draw_picture(1), draw_picture(2), None]
    embeddings = torch_encoder.encode(some, images)
    categories = CategoryVectors.of_encoder(torch_encoder)
    found = categories.of(some, embeddings)
    assert found.shape == (4, categories.dim) == (4, 32 + 64)
    for row, title in enumerate(some):
        expected = slow_vector(torch_encoder, title, embeddings[row])
        np.testing.assert_allclose(found[row], expected, atol=2e-3)
    assert not found[2].any(), "neither words nor, in this model, an image part"
    np.testing.assert_allclose(np.linalg.norm(found[[0, 1, 3]], axis=1), 1, atol=1e-5)
    assert categories.of([], embeddings[:0]).shape == (0, 96)


def test_a_store_keeps_them_an_index_does_not_and_reused_rows_get_them(
    tmp_path: Path, encoder: Encoder
) -> None:
    catalog, store = CatalogConfig(str(write_catalog(tmp_path, 12))), tmp_path / "store"

    def embed() -> tuple[int, pa.Table]:
        report = embed_catalog(catalog, store, encoder, EmbedConfig(), lambda *rows: None)
        return report.reused, pa.Table.from_batches(open_embedded(store).batches())

    reused, table = embed()
    categories = CategoryVectors.of_encoder(encoder)
    assert reused == 0
    assert table.schema.field("category_embedding").type == pa.list_(pa.float16(), categories.dim)
    embeddings = np.stack(table["embedding"].to_pylist()).astype(np.float32)
    expected = categories.of(table["title"].to_pylist(), embeddings)
    held = np.stack(table["category_embedding"].to_pylist()).astype(np.float32)
    np.testing.assert_allclose(held, expected, atol=1e-3)

    build_index_folder(store, tmp_path / "index")
    [version] = (tmp_path / "index" / "versions").iterdir()
    assert not {"embedding", "category_embedding"} & set(read_listings(version).column_names)

    # A store of an earlier version has none.
    shards = [store / "data" / shard.name for shard in read_manifest(store).shards]
    for shard in shards:
        pq.write_table(pq.read_table(shard).drop_columns(["category_embedding"]), shard)
    assert (store / MANIFEST).exists()
    reused, again = embed()
    assert reused == 12
    assert again["category_embedding"].equals(table["category_embedding"])


def test_a_column_of_that_name_in_a_catalog_is_kept_under_another(tmp_path: Path, encoder: Encoder) -> None:
    (tmp_path / "shop.csv").write_text("id,title,category_embedding\n1,red mug,mine\n")
    embed_catalog(
        CatalogConfig(str(tmp_path / "shop.csv")),
        tmp_path / "store",
        encoder,
        EmbedConfig(),
        lambda *rows: None,
    )
    table = pa.Table.from_batches(open_embedded(tmp_path / "store").batches())
    assert table["catalog.category_embedding"].to_pylist() == ["mine"]


@pytest.mark.parametrize("title", ["", "\u4e00\u4e01"])
def test_titles_without_words_are_no_numbers_that_are_none(torch_encoder: TorchEncoder, title: str) -> None:
    embeddings = torch_encoder.encode([title], [draw_picture(1)])
    assert np.isfinite(CategoryVectors.of_encoder(torch_encoder).of([title], embeddings)).all()
