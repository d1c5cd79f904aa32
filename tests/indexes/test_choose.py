from __future__ import annotations

import pytest

from itemsearch.indexes.building.choose import GPU_CODE_SIZES, MIN_ROWS, choose_spec, parse_spec
from itemsearch.indexes.errors import SpecError


def test_few_rows_get_an_exact_index() -> None:
    assert choose_spec(MIN_ROWS - 1, 384).factory == "Flat"
    assert choose_spec(MIN_ROWS, 384).kind == "ivfpq"


@pytest.mark.parametrize(
    ("rows", "dim", "factory"),
    [
        (10_000, 64, "IVF256,PQ8"),
        (36_000, 512, "IVF512,PQ64"),
        (36_000, 768, "IVF512,PQ96"),
        (1_000_000, 384, "IVF2048,PQ48"),
        (10_000_000, 384, "IVF8192,PQ48"),
        (20_000, 7, "IVF512,PQ1"),
    ],
)
def test_the_index_fits_rows_and_dimension(rows: int, dim: int, factory: str) -> None:
    assert choose_spec(rows, dim).factory == factory


@pytest.mark.parametrize("rows", [10_000, 123_456, 5_000_000])
@pytest.mark.parametrize("dim", [32, 100, 384, 512, 640, 768, 1024])
def test_every_choice_is_one_that_a_person_could_give(rows: int, dim: int) -> None:
    chosen = choose_spec(rows, dim)
    assert parse_spec(chosen.factory, rows, dim) == chosen
    assert chosen.m in GPU_CODE_SIZES
    assert chosen.m <= dim * 4 / 8


def test_forms_of_a_spec() -> None:
    assert parse_spec("flat", 10, 4).kind == "exact"
    assert parse_spec("ivf16, pq8x8", 20_000, 64).factory == "IVF16,PQ8"


@pytest.mark.parametrize(
    ("text", "rows", "told"),
    [
        ("HNSW32", 20_000, 'write "IVF4096,PQ48"'),
        ("IVF16,PQ7", 20_000, "PQ7 does not fit 64 dimensions"),
        ("IVF16,PQ8x4", 20_000, "4 bits"),
        ("IVF4096,PQ8", 20_000, "can train 1 to 512 lists"),
        ("IVF0,PQ8", 20_000, "can train 1 to"),
        ("IVF16,PQ8", 5_000, "needs 9,984 rows"),
    ],
)
def test_a_spec_that_does_not_fit_is_refused(text: str, rows: int, told: str) -> None:
    with pytest.raises(SpecError, match=told):
        parse_spec(text, rows, 64)
