"""TOML to frozen dataclasses: an unknown key, a missing one or a wrong type is an error that names it."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import MISSING, fields, is_dataclass
from pathlib import Path
from typing import Any, TypeVar, get_type_hints

from itemsearch.errors import ItemSearchError

T = TypeVar("T")


def read_toml(path: Path, error: type[ItemSearchError]) -> dict[str, Any]:
    """The file's tables.

    Raises:
        error: the file cannot be read, or is no TOML.
    """
    try:
        return tomllib.loads(path.read_text("utf-8"))
    except OSError as problem:
        raise error(f"{path}: {problem.strerror}") from problem
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as problem:
        raise error(f"{path}: not TOML: {problem}") from problem


def build(cls: type[T], values: Mapping[str, Any], where: str, error: type[ItemSearchError]) -> T:
    """`cls` from a table; nested dataclasses from nested tables.

    Raises:
        error: a key that `cls` lacks, a required one that is missing, a value of another type.
    """
    hints = get_type_hints(cls)
    known = {field.name: field for field in fields(cls)}  # type: ignore[arg-type]
    for key in values:
        if key not in known:
            raise error(f"{where}: unknown key {key!r}; it may have {', '.join(sorted(known))}")
    arguments: dict[str, Any] = {}
    for name, field in known.items():
        if name not in values:
            if field.default is MISSING and field.default_factory is MISSING:
                raise error(f"{where}: {name} is missing")
            continue
        arguments[name] = _checked(hints[name], values[name], f"{where}: {name}", error)
    return cls(**arguments)


def _checked(kind: Any, value: Any, where: str, error: type[ItemSearchError]) -> Any:
    if is_dataclass(kind):
        if not isinstance(value, Mapping):
            raise error(f"{where} is {value!r}; it must be a table")
        return build(kind, value, where, error)  # type: ignore[arg-type]
    if kind is float and type(value) is int:
        return float(value)
    plain = dict if getattr(kind, "__origin__", None) else kind
    if not isinstance(value, plain) or (isinstance(value, bool) and kind is not bool):
        raise error(f"{where} is {value!r}; it must be a {plain.__name__}")
    return value
