"""Frozen dataclasses from JSON and TOML values."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

import pytest

from itemsearch.decode import decode, read_toml
from itemsearch.errors import UsageError


@dataclass(frozen=True)
class Wheel:
    size: float
    spokes: int = 32


@dataclass(frozen=True)
class Bicycle:
    name: str
    wheels: tuple[Wheel, ...]
    gears: Mapping[str, int]
    bell: Wheel | None
    is_new: bool = False


BICYCLE = Bicycle("racer", (Wheel(28.0), Wheel(26.5, 36)), {"front": 2}, None)


def test_what_asdict_wrote_is_read_back() -> None:
    assert decode(Bicycle, json.loads(json.dumps(asdict(BICYCLE)))) == BICYCLE
    assert decode(Wheel, {"size": 28}) == Wheel(28.0)


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"colour": "red"}, "unknown key 'colour'; it may have bell, gears, is_new, name, wheels"),
        ({"wheels": [{"size": 1.0}, {"spokes": 2}]}, "wheels: 1: size is missing"),
        ({"wheels": "two"}, "wheels is 'two'; it must be a list"),
        ({"gears": {"front": "two"}}, "gears: front is 'two'; it must be a int"),
        ({"bell": 3}, "bell is 3; it must be a table"),
        ({"is_new": 1}, "is_new is 1; it must be a bool"),
        ({"gears": {"front": True}}, "gears: front is True; it must be a int"),
    ],
)
def test_what_does_not_fit_is_named(changed: dict[str, object], message: str) -> None:
    with pytest.raises(ValueError, match="^" + message + "$"):
        decode(Bicycle, {**asdict(BICYCLE), **changed})


def test_a_toml_file_that_does_not_fit_is_an_error_of_its_kind(tmp_path: Path) -> None:
    path = tmp_path / "wheel.toml"
    path.write_text("size = 28\nrim = 3\n")
    with pytest.raises(UsageError, match=r"wheel\.toml: unknown key 'rim'; it may have size, spokes"):
        read_toml(Wheel, path, UsageError)
