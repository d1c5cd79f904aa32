"""The program of docs/export.md asks a real LanceDB table."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from itemsearch.export.config import ExportConfig, ExportTo
from itemsearch.export.run import export_index
from itemsearch.indexes.progress import silent

PAGE = Path(__file__).parents[2] / "docs" / "export.md"


@pytest.mark.cluster
def test_the_program_of_the_docs_asks_the_target(
    index: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    pytest.importorskip("lancedb", reason="make test-cluster installs lancedb")
    export_index(index, ExportConfig(ExportTo.LANCEDB, tmp_path / "database"), silent)
    (tmp_path / "index").symlink_to(index)
    monkeypatch.chdir(tmp_path)
    (program,) = re.findall(r"^```python\n(.*?)^```$", PAGE.read_text("utf-8"), re.M | re.S)
    exec(compile(program, "docs/export.md", "exec", dont_inherit=True), {})
    shown = capsys.readouterr().out.splitlines()
    assert len(shown) == 5
    cosines = [float(line.split()[1]) for line in shown]
    assert cosines == sorted(cosines, reverse=True)
    assert all(-1 <= cosine <= 1 for cosine in cosines)
