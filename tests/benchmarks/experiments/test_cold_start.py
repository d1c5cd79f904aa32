from __future__ import annotations

from pathlib import Path

import pytest
from support.catalogs import draw_picture

from itemsearch.benchmarks.experiments.cold_start import ColdStart, commands, measure, table


@pytest.fixture(scope="module")
def found(index: Path, tmp_path_factory: pytest.TempPathFactory) -> list[ColdStart]:
    image = tmp_path_factory.mktemp("picture") / "a.png"
    draw_picture(3).save(image)
    return measure(commands(index, image), 1)


def test_no_command_loads_torch_or_transformers(found: list[ColdStart]) -> None:
    loaded = {each.command: set(each.imports) for each in found}
    assert loaded["--help"] == set()
    assert "openvino" not in loaded["search --id"]
    assert loaded["search --title"] == loaded["search --image"] == loaded["search --id"] | {"openvino"}
    assert not {"torch", "transformers", "duckdb", "scipy"} & loaded["search --title"]


def test_best_and_median_are_in_the_table(found: list[ColdStart]) -> None:
    assert [each.command for each in found] == ["--help", "search --id", "search --title", "search --image"]
    assert all(0 < each.best_cpu <= each.median_cpu and 0 < each.best <= each.median for each in found)
    assert table([ColdStart("--help", 0.1, 0.2, 0.3, 0.4, ())]).rows == [
        ["--help", "0.10", "0.20", "0.30", "0.40", ""]
    ]
