"""The Python programs of the docs run against a real index."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from support.catalogs import draw_picture

CHECKOUT = Path(__file__).parents[2]


@pytest.mark.parametrize("page", ["README.md", "docs/engineer.md"])
def test_python_programs_of_the_docs_run(
    page: str,
    index: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    (tmp_path / "index").symlink_to(index)
    draw_picture(12).save(tmp_path / "belt.jpg")
    monkeypatch.chdir(tmp_path)
    (program,) = re.findall(r"^```python\n(.*?)^```$", (CHECKOUT / page).read_text("utf-8"), re.M | re.S)
    exec(compile(program.replace("000123", "00012"), page, "exec"), {})
    assert capsys.readouterr().out.startswith("1 000")
