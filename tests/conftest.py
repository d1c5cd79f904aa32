"""Real parts, made small: a catalog of drawn pictures, a tiny model, a store and an index of them."""

from __future__ import annotations

import csv
import os
from pathlib import Path

# Before anything imports the hub's client, which reads it once: no test may depend on a network.
os.environ["HF_HUB_OFFLINE"] = "1"

import numpy as np
import pytest
import torch
from PIL import Image, ImageDraw

from itemsearch.catalog import CatalogConfig
from itemsearch.embed.catalog import EmbedConfig, embed_catalog
from itemsearch.embed.encoder import ProductEncoder
from itemsearch.model import ITEmConfig, ITEmImageProcessor, ITEmModel, ITEmProcessor
from itemsearch.pretrain.vocabulary import build_tokenizer
from itemsearch.search.build import build_index_folder

COLOURS = ("red", "green", "blue", "orange", "purple", "black")
THINGS = ("mug", "lamp", "chair", "shirt", "phone case", "notebook", "backpack", "watch", "cap", "bottle")


def draw_picture(seed: int) -> Image.Image:
    """A picture that no other seed gives: a shape on white."""
    rng = np.random.default_rng(seed)
    image = Image.new("RGB", (48, 64), "white")
    left, top = rng.integers(2, 16, 2).tolist()
    right, bottom = rng.integers(28, 46, 2).tolist()
    colour = COLOURS[seed % len(COLOURS)]
    ImageDraw.Draw(image).ellipse(
        (left, top, right, bottom), fill=colour, outline=tuple(rng.integers(0, 200, 3))
    )
    return image


def titles(count: int) -> list[str]:
    return [f"{COLOURS[i % 6].title()} {THINGS[i % 10].title()} model {i:03d}" for i in range(count)]


def write_offers(folder: Path, products: int = 12) -> Path:
    """offers.csv without pictures: each product in the words of three sellers."""
    path = folder / "offers.csv"
    with path.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["id", "title", "category", "merchant", "product"])
        for number in range(products):
            for seller, words in enumerate(
                ("phone X{0}B 64GB", "Acme X{0}B 64 GB black", "X{0}B smartphone")
            ):
                writer.writerow([f"{number}-{seller}", words.format(number), "phone", seller, f"p{number}"])
    return path


def write_catalog(folder: Path, count: int = 60) -> Path:
    """catalog.csv with `count` good rows and their pictures."""
    (folder / "images").mkdir(parents=True)
    path = folder / "catalog.csv"
    with path.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["id", "title", "image", "category", "price"])
        for number, title in enumerate(titles(count)):
            draw_picture(number).save(folder / "images" / f"{number}.png")
            writer.writerow(
                [f"{number:05d}", title, f"images/{number}.png", THINGS[number % 10], f"{number}.50"]
            )
    return path


def save_tiny_model(folder: Path, seed: int = 0) -> Path:
    """A model folder with random weights: seconds to make, and a real one in every other way."""
    torch.manual_seed(seed)
    tokenizer = build_tokenizer(titles(60), 16)
    config = ITEmConfig(
        vocab_size=len(tokenizer),
        hidden_size=32,
        num_hidden_layers=1,
        num_attention_heads=2,
        intermediate_size=64,
        max_title_tokens=16,
        image_size=32,
        patch_size=8,
        pooling="mean",
        colour_bins=2,
        lexical_dim=64,
        lexical_buckets=2048,
    )
    model = ITEmModel(config)
    assert model.lexical is not None
    model.lexical.draw(seed)
    model.lexical.fit(titles(60))
    model.save_pretrained(folder)
    ITEmProcessor(ITEmImageProcessor(side=32), tokenizer).save_pretrained(folder)
    return folder


@pytest.fixture(scope="session")
def catalog_csv(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_catalog(tmp_path_factory.mktemp("catalog"))


@pytest.fixture(scope="session")
def tiny_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_tiny_model(tmp_path_factory.mktemp("model"))


@pytest.fixture(scope="session")
def encoder(tiny_model: Path) -> ProductEncoder:
    return ProductEncoder.from_pretrained(str(tiny_model), "cpu")


@pytest.fixture(scope="session")
def store(tmp_path_factory: pytest.TempPathFactory, catalog_csv: Path, encoder: ProductEncoder) -> Path:
    folder = tmp_path_factory.mktemp("built") / "store"
    embed_catalog(
        CatalogConfig(str(catalog_csv)), folder, encoder, EmbedConfig(), lambda rows, rejected: None
    )
    return folder


@pytest.fixture(scope="session")
def index(store: Path) -> Path:
    folder = store.parent / "index"
    build_index_folder(store, folder)
    return folder
