"""Decompresses bytes as they are read, by what they are and not by their name."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import zlib
from collections.abc import Callable
from io import BufferedReader
from typing import IO, Any
from zipfile import BadZipFile

import pyarrow as pa

MAX_GROWTH = 200
FREE_BYTES = 2**30
"""Bytes may decompress to `FREE_BYTES` and `MAX_GROWTH` times their packed size; more is a bomb. A guess:
rows of a catalog shrink to a tenth, repetitive ones to a fiftieth."""

_MAX_LAYERS = 3
_BUFFER_BYTES = 2**18
_MAGIC_BYTES = 10

_DAMAGE = (OSError, zlib.error, lzma.LZMAError, BadZipFile, pa.ArrowException, RuntimeError)
"""A locked member of a zip archive, or one of an unknown method, is a RuntimeError."""


def _zstd(stream: BufferedReader) -> Any:
    return pa.CompressedInputStream(stream, "zstd")


_CODECS: tuple[tuple[str, Callable[[bytes], bool], Callable[[BufferedReader], Any]], ...] = (
    ("gzip", lambda magic: magic[:3] == b"\x1f\x8b\x08", lambda stream: gzip.GzipFile(fileobj=stream)),
    (
        "bzip2",
        lambda magic: magic[:3] == b"BZh" and magic[4:10] in (b"1AY&SY", b"\x17rE8P\x90"),
        bz2.BZ2File,
    ),
    ("xz", lambda magic: magic[:6] == b"\xfd7zXZ\x00", lzma.LZMAFile),
    ("zstd", lambda magic: magic[:4] == b"\x28\xb5\x2f\xfd", _zstd),
)


def decompress(stream: IO[bytes], size: int) -> tuple[BufferedReader, list[str]]:
    """Peels gzip, bzip2, xz and zstd off a stream; returns what is inside, and the names of the layers.

    Args:
        stream: a file, or a member of a zip archive, which decompresses by itself; it is closed with what is
            returned. size: of its bytes as they lie in a file.

    Raises:
        OSError: the bytes are damaged or a decompression bomb; reading what is returned raises it too.
    """
    allowed = FREE_BYTES + MAX_GROWTH * size
    inside = stream if isinstance(stream, BufferedReader) else _buffered(_Unpacked(stream, stream, allowed))
    names: list[str] = []
    try:
        while len(names) < _MAX_LAYERS:
            magic = inside.peek(_MAGIC_BYTES)[:_MAGIC_BYTES]
            found = next(((name, unpack) for name, fits, unpack in _CODECS if fits(magic)), None)
            if found is None:
                return inside, names
            names.append(found[0])
            inside = _buffered(_Unpacked(found[1](inside), inside, allowed))
    except BaseException:
        inside.close()
        raise
    inside.close()
    raise OSError(f"it is compressed more than {_MAX_LAYERS} times: decompress it first")


def _buffered(raw: _Unpacked) -> BufferedReader:
    return BufferedReader(raw, _BUFFER_BYTES)


class _Unpacked(io.RawIOBase):
    """Reads a decompressor; any damage is an OSError, and so is more than `allowed` bytes."""

    def __init__(self, stream: Any, packed: Any, allowed: int) -> None:
        self._stream = stream
        self._packed = packed
        self._allowed = allowed

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        try:
            data = self._stream.read1(len(buffer))  # what comes before damage is read
        except EOFError as error:
            raise OSError("its compressed bytes end too early: copy or download it again") from error
        except _DAMAGE as error:
            first_line, _, _ = str(error).partition("\n")
            raise OSError(
                f"its compressed bytes cannot be read ({first_line}): copy or pack it again"
            ) from error
        self._allowed -= len(data)
        if self._allowed < 0:
            raise OSError(
                f"it decompresses to over {MAX_GROWTH} times its size, as no catalog does: decompress it "
                "first if it is one"
            )
        buffer[: len(data)] = data
        return len(data)

    def close(self) -> None:
        if not self.closed:
            self._stream.close()
            self._packed.close()
        super().close()
