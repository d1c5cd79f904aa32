from __future__ import annotations

from collections import defaultdict
from dataclasses import fields, replace
from typing import Any

import numpy as np
import pytest

from itemsearch.sample.catalog import draw_picture
from itemsearch.sample.colours import PALETTE
from itemsearch.sample.kinds import KINDS, ProductKind
from itemsearch.sample.patterns import PATTERNS
from itemsearch.sample.products import SampleProduct, invent_products

SHAPES = ((0.1, 0.2, 0.3), (0.5, 0.6, 0.4), (0.9, 0.95, 0.8))


def plain(kind: ProductKind) -> SampleProduct:
    return SampleProduct(
        kind=kind,
        brand=kind.brands[0],
        model="Fjord",
        material=kind.materials[0],
        shape=SHAPES[1],
        colour="Teal",
        accent="Yellow",
        pattern="Plain",
        word="AHOY",
        size=0,
        detail=0,
    )


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.category)
def test_every_variation_shows(kind: ProductKind) -> None:
    product = plain(kind)
    picture = np.asarray(draw_picture(product), np.int16)

    def difference(**changed: Any) -> float:
        """Share of pixels that differ visibly once the product is changed."""
        other = np.asarray(draw_picture(replace(product, **changed)), np.int16)
        return float((np.abs(other - picture).max(axis=2) > 16).mean())

    for size in range(1, len(kind.sizes)):
        assert difference(size=size) > 0.005, kind.sizes[size]
    for detail in (1, 2, 3):
        assert difference(detail=detail) > 0.0015, kind.details[detail - 1]
    for pattern in kind.patterns[::5]:
        assert difference(pattern=pattern) > 0.004, pattern
    assert difference(colour="Burgundy") > 0.02


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.category)
def test_every_shape_fills_the_picture_but_keeps_a_margin(kind: ProductKind) -> None:
    for shape in SHAPES:
        product = replace(plain(kind), shape=shape, size=len(kind.sizes) - 1)
        picture = np.asarray(draw_picture(product), np.int16)
        drawn = np.abs(picture - np.array(product.background)).max(axis=2) > 40
        assert 0.03 < drawn.mean() < 0.7
        assert not drawn[0].any()
        assert not drawn[:, [0, -1]].any()


def test_titles_name_what_differs() -> None:
    product = replace(plain(KINDS[0]), pattern="Stripes", size=1, detail=1)
    titles = {replace(product, brand=brand).title for brand in KINDS[0].brands[:3]}
    assert titles == {
        "Norvik Fjord Stoneware Mug 350 ml, Teal with Yellow Stripes, Gold Rim",
        "Tarnholm Mug Fjord - Teal with Yellow Stripes - Stoneware 350 ml - Gold Rim",
        "Fjord Stoneware Mug by Quillby (350 ml, Teal with Yellow Stripes, Gold Rim)",
    }
    assert replace(product, pattern="Lettering", detail=0).title.endswith('Teal with Yellow "AHOY"')


def test_products_are_many_and_different() -> None:
    products = invent_products(900, np.random.default_rng(4))
    assert len(products) == 900
    assert len({product.title for product in products}) == 900
    assert {product.kind.category for product in products} == {kind.category for kind in KINDS}
    assert {product.pattern for product in products} == {"Plain", "Lettering", *PATTERNS}
    assert {product.colour for product in products} == set(PALETTE)


def test_series_differ_in_one_thing() -> None:
    series: dict[tuple[str, str, str], list[SampleProduct]] = defaultdict(list)
    for product in invent_products(300, np.random.default_rng(2)):
        series[product.kind.category, product.brand, product.model].append(product)
    assert sum(len(members) > 2 for members in series.values()) > 20
    for first, *siblings in series.values():
        for sibling in siblings:
            names = [field.name for field in fields(SampleProduct)]
            changed = [name for name in names if getattr(first, name) != getattr(sibling, name)]
            assert len(changed) == 1
            assert changed[0] in ("colour", "accent", "pattern", "size", "detail")


def test_series_go_on_when_names_run_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("itemsearch.sample.products.MODELS", ("Fjord",))
    products = invent_products(2000, np.random.default_rng(0))
    assert len({product.title for product in products}) == 2000
    assert {"Fjord", "Fjord 2", "Fjord 3"} <= {product.model for product in products}
