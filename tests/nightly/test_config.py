from __future__ import annotations

from pathlib import Path

import pytest

from itemsearch.catalog import ReadOptions
from itemsearch.errors import UsageError
from itemsearch.nightly.config import read_rebuild_config

LEAST = 'catalog = "shop/*.parquet"\nstore = "store"\nindex = "/srv/index"\n'


def test_three_keys_are_enough_and_paths_start_from_the_file(tmp_path: Path) -> None:
    (tmp_path / "rebuild.toml").write_text(LEAST)
    config = read_rebuild_config(tmp_path / "rebuild.toml")
    assert config.catalog == str(tmp_path / "shop/*.parquet")
    assert config.store == str(tmp_path / "store")
    assert config.index == "/srv/index"
    assert (config.model, config.metrics, config.image_root) == ("default", "", "")
    assert config.record == str(tmp_path / "rebuild.jsonl")


def test_how_files_are_read(tmp_path: Path) -> None:
    (tmp_path / "rebuild.toml").write_text(LEAST + '[read]\nsheet = "Products"\n')
    assert read_rebuild_config(tmp_path / "rebuild.toml").read.sheet == "Products"


def test_the_section_read_says_how_files_are_written(tmp_path: Path) -> None:
    text = LEAST + '[read]\ndelimiter = "tab"\nencoding = "windows-1250"\nquoting = "none"\ncomment = "#"\n'
    (tmp_path / "rebuild.toml").write_text(text)
    read = read_rebuild_config(tmp_path / "rebuild.toml").read
    assert read == ReadOptions("\t", "cp1250", "none", "#")


def test_a_model_folder_beside_the_file_is_found(tmp_path: Path) -> None:
    (tmp_path / "model").mkdir()
    (tmp_path / "rebuild.toml").write_text(LEAST + 'model = "model"\n')
    assert read_rebuild_config(tmp_path / "rebuild.toml").model == str(tmp_path / "model")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "catalog is missing"),
        (LEAST + "[guards]\nmax_falen = 0.1\n", "unknown key 'max_falen'"),
        (LEAST + "[guards]\nmax_fallen = 20\n", "max_fallen is 20; it is a share"),
        (LEAST + "[build]\nkeep = 0\n", "build.keep is 0"),
        (LEAST + 'device = "gpu"\n', "device is 'gpu'"),
        (LEAST.replace('"store"', "3"), "store is 3; it must be a str"),
        (LEAST + 'dtype = "int8"\n', "dtype is 'int8'"),
        (LEAST + '[read]\nquoting = "single"\n', "quoting 'single': it is doubled, backslash or none"),
        ("catalog =", "not TOML"),
    ],
)
def test_a_wrong_configuration_is_refused_in_one_line(tmp_path: Path, text: str, message: str) -> None:
    (tmp_path / "rebuild.toml").write_text(text)
    with pytest.raises(UsageError, match=message) as error:
        read_rebuild_config(tmp_path / "rebuild.toml")
    assert str(tmp_path / "rebuild.toml") in str(error.value)
    assert "\n" not in str(error.value)
