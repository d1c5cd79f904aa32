"""The Python programs of the docs run against a real index."""

from __future__ import annotations

import re
from dataclasses import asdict
from pathlib import Path
from typing import Any
from urllib.error import HTTPError

import pytest
from support.catalogs import draw_picture
from support.services import served

from itemsearch import Engine
from itemsearch.web.access import Address

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
    program, *_ = re.findall(r"^```python\n(.*?)^```$", (CHECKOUT / page).read_text("utf-8"), re.M | re.S)
    exec(compile(program.replace("000123", "00012"), page, "exec"), {})
    assert capsys.readouterr().out.startswith("1 000")


def test_the_client_of_the_docs_asks_a_service(index: Path, tmp_path: Path) -> None:
    page = (CHECKOUT / "docs" / "engineer.md").read_text("utf-8")
    (program,) = re.findall(r"^```python\n(import base64\n.*?)^```$", page, re.M | re.S)
    names: dict[str, Any] = {"__name__": "client"}
    exec(compile(program, "docs/engineer.md", "exec", dont_inherit=True), names)
    draw_picture(12).save(tmp_path / "belt.png")
    token = "a-long-enough-token"
    with served(index, address=Address(port=0, token=token)) as running:
        client = names["Client"](running.url.rstrip("/"), token)
        engine = Engine.open(index)
        for query in ({"id": "00012"}, {"title": "mug"}, {"title": "mug", "image": tmp_path / "belt.png"}):
            expected = [asdict(hit) for hit in engine.search(**query, k=3).hits]
            assert [asdict(hit) for hit in client.search(**query, k=3)] == expected
        assert client.post("/match", {"title": "mug"})["decision"] in ("match", "review", "new")
        with pytest.raises(HTTPError, match="422"):
            client.search()
