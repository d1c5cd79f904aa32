from __future__ import annotations

import io
import json
import os
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
from PIL import Image

Encode = Callable[..., bytes]


@pytest.fixture
def encode() -> Encode:
    """encode(image or colour, format, **save's options) -> the encoded bytes."""

    def to_bytes(picture: Image.Image | str = "red", format: str = "PNG", **options: object) -> bytes:
        image = Image.new("RGB", (6, 4), picture) if isinstance(picture, str) else picture
        buffer = io.BytesIO()
        image.save(buffer, format, **options)
        return buffer.getvalue()

    return to_bytes


@pytest.fixture
def write(tmp_path: Path) -> Callable[[str, str | bytes], Path]:
    """write(name, content) -> the path of a file of that name in tmp_path."""

    def to_file(name: str, content: str | bytes) -> Path:
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return path

    return to_file


@pytest.fixture
def write_jsonl(write: Callable[[str, str | bytes], Path]) -> Callable[[str, Sequence[object]], Path]:
    def to_file(name: str, records: Sequence[object]) -> Path:
        return write(name, "".join(json.dumps(record) + "\n" for record in records))

    return to_file


@pytest.fixture
def shared_data() -> Path:
    """The folder of real data that lies beside a checkout, or where ITEMSEARCH_SHARED says."""
    beside = Path(__file__).resolve().parents[2].parent / "shared"
    data = Path(os.environ.get("ITEMSEARCH_SHARED") or beside) / "data"
    if not data.is_dir():
        pytest.skip(f"no real data at {data}")
    return data
