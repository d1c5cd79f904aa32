"""Real parts, made small: a catalog of drawn pictures, a tiny model, a store and an index of them."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

# Before anything imports the hub's client, which reads it once: no test may depend on a network.
os.environ["HF_HUB_OFFLINE"] = "1"
# Graphs of the tests' models are thrown away with it.
_cache = tempfile.TemporaryDirectory(prefix="itemsearch-tests-")
os.environ["ITEMSEARCH_CACHE"] = _cache.name

import pytest
from support.catalogs import write_catalog
from support.models import save_tiny_model

from itemsearch.catalog import CatalogConfig
from itemsearch.embed.catalog import EmbedConfig, embed_catalog
from itemsearch.embed.encoder import Encoder, open_encoder
from itemsearch.embed.torch_encoder import TorchEncoder
from itemsearch.indexes.progress import silent
from itemsearch.search.build import build_index_folder


@pytest.fixture(scope="session")
def catalog_csv(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_catalog(tmp_path_factory.mktemp("catalog"))


@pytest.fixture(scope="session")
def tiny_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_tiny_model(tmp_path_factory.mktemp("model"))


@pytest.fixture(scope="session")
def encoder(tiny_model: Path) -> Encoder:
    return open_encoder(str(tiny_model), "cpu")


@pytest.fixture(scope="session")
def torch_encoder(tiny_model: Path) -> TorchEncoder:
    return TorchEncoder.from_pretrained(str(tiny_model), "cpu")


@pytest.fixture(scope="session")
def store(tmp_path_factory: pytest.TempPathFactory, catalog_csv: Path, encoder: Encoder) -> Path:
    folder = tmp_path_factory.mktemp("built") / "store"
    embed_catalog(CatalogConfig(str(catalog_csv)), folder, encoder, EmbedConfig(), silent)
    return folder


@pytest.fixture(scope="session")
def index(store: Path) -> Path:
    folder = store.parent / "index"
    build_index_folder(store, folder)
    return folder
