from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from itemsearch.catalog import CatalogConfig
from itemsearch.cli.app import app
from itemsearch.embed.catalog import EmbedConfig, embed_catalog
from itemsearch.embed.encoder import Encoder
from itemsearch.nightly.doctor import Machine, estimate_disk, examine_machine


def test_a_machine_is_described(tmp_path: Path) -> None:
    machine = examine_machine(tmp_path / "not" / "there" / "yet")
    assert machine.cores >= 1
    assert machine.memory_bytes > machine.memory_free_bytes > 0
    assert machine.disk_free_bytes > 0
    assert "GPUs" in machine.faiss


def test_the_estimate_is_near_what_a_store_takes(tmp_path: Path, catalog_csv: Path, encoder: Encoder) -> None:
    catalog = CatalogConfig(str(catalog_csv))
    embed_catalog(catalog, tmp_path / "store", encoder, EmbedConfig(), print)
    taken = sum(path.stat().st_size for path in (tmp_path / "store").rglob("*.parquet"))
    need = estimate_disk(catalog, encoder, keep=3)
    assert need.rows == 60
    assert taken / 2 < need.store_bytes / 2 < taken * 2
    assert need.index_bytes == 2 * need.store_bytes


def test_too_small_a_disk_is_an_error(
    tmp_path: Path, catalog_csv: Path, tiny_model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    arguments = ["doctor", str(catalog_csv), "--model", str(tiny_model), "--folder", str(tmp_path), "--json"]
    done = CliRunner().invoke(app, arguments)
    assert (done.exit_code, json.loads(done.stdout)["need"]["rows"]) == (0, 60)
    small = Machine({}, "", "", 1, 1, 1, disk_free_bytes=1000)
    monkeypatch.setattr("itemsearch.nightly.doctor.examine_machine", lambda folder: small)
    done = CliRunner().invoke(app, arguments)
    assert done.exit_code == 1
    assert "make room" in str(done.exception)
