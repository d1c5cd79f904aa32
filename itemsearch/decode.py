"""Reads frozen dataclasses from TOML and JSON values; every value is checked against its annotation."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import MISSING, fields, is_dataclass
from pathlib import Path
from types import NoneType, UnionType
from typing import Any, TypeVar, Union, get_args, get_origin, get_type_hints

from itemsearch.errors import ItemSearchError, UsageError

T = TypeVar("T")


def read_toml(cls: type[T], path: Path, error: type[ItemSearchError]) -> T:
    """Reads a TOML file into a dataclass.

    Raises:
        error: the file cannot be read, is no TOML, or does not fit `cls`; names the file and the key.
    """
    try:
        return decode(cls, tomllib.loads(path.read_text("utf-8")))
    except OSError as problem:
        raise error(f"{path}: {problem.strerror}") from problem
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as problem:
        raise error(f"{path}: not TOML: {problem}") from problem
    except (ValueError, UsageError) as problem:  # a value that its dataclass refuses, the latter
        raise error(f"{path}: {problem}") from problem


def decode(cls: type[T], values: object) -> T:
    """Makes a dataclass of a mapping, with dataclasses, tuples, mappings and optional values within it.

    A tuple is made of a list, a float of an integer too. A mapping without value types is taken as it is.

    Raises:
        ValueError: a key is unknown or missing, or a value is of another type; names the key.
    """
    return _decode_dataclass(cls, values, "")


def _decode_dataclass(cls: type[T], values: object, where: str) -> T:
    if not isinstance(values, Mapping):
        raise ValueError(f"{where or 'the whole'} is {values!r:.200}; it must be a table")
    prefix = f"{where}: " if where else ""
    hints = get_type_hints(cls)
    known = {field.name: field for field in fields(cls)}  # type: ignore[arg-type]
    for key in values:
        if key not in known:
            raise ValueError(f"{prefix}unknown key {key!r}; it may have {', '.join(sorted(known))}")
    arguments: dict[str, Any] = {}
    for name, field in known.items():
        if name in values:
            arguments[name] = _decode_value(hints[name], values[name], f"{prefix}{name}")
        elif field.default is MISSING and field.default_factory is MISSING:
            raise ValueError(f"{prefix}{name} is missing")
    return cls(**arguments)


def _decode_value(kind: Any, value: Any, where: str) -> Any:
    if is_dataclass(kind):
        return _decode_dataclass(kind, value, where)  # type: ignore[arg-type]
    origin, arguments = get_origin(kind), get_args(kind)
    if origin in (Union, UnionType):  # the only unions are of a type and None
        (present,) = (argument for argument in arguments if argument is not NoneType)
        return None if value is None else _decode_value(present, value, where)
    if origin is tuple:
        if not isinstance(value, Sequence) or isinstance(value, str):
            raise ValueError(f"{where} is {value!r:.200}; it must be a list")
        return tuple(_decode_value(arguments[0], item, f"{where}: {i}") for i, item in enumerate(value))
    if origin is not None and issubclass(origin, Mapping):
        if not isinstance(value, Mapping):
            raise ValueError(f"{where} is {value!r:.200}; it must be a table")
        return {key: _decode_value(arguments[1], item, f"{where}: {key}") for key, item in value.items()}
    if kind is Any:
        return value
    if kind is float and type(value) is int:
        return float(value)
    if not isinstance(value, kind) or (isinstance(value, bool) and kind is not bool):
        raise ValueError(f"{where} is {value!r:.200}; it must be a {kind.__name__}")
    return value
