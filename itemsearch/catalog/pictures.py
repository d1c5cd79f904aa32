"""Reads the pictures of a listing out of a cell: a path, an address, bytes, several of them, lists, structs.

cell                                            pictures
a.jpg, b.jpg                                    a.jpg  b.jpg
Mug, large.jpg                                  Mug, large.jpg
https://s.example/w_9,h_9/a.jpg|https://...     https://s.example/w_9,h_9/a.jpg  https://...
["a.jpg", "b.jpg"]                              a.jpg  b.jpg
{"bytes": ..., "path": "a.jpg"}                 the bytes
[{"hi_res": null, "large": "l.jpg", "thumb": "t.jpg"}]   l.jpg
"""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Iterator, Mapping, Sequence

from itemsearch.catalog.formats.tables import JsonText
from itemsearch.errors import ImageError

_SIZES_AND_NAMES = (
    *("bytes", "path", "hi_res", "hiRes", "large", "original", "full", "medium", "thumb"),
    *("src", "url", "href", "link", "image_url", "image_link", "image", "file", "filename"),
)
"""Keys under which a struct has its one picture, the best first: its bytes, its sizes from the largest, its
address. Those of Hugging Face, Amazon, Shopify and WooCommerce; the others are guesses."""

_ADDRESS = re.compile(r"[a-z][a-z0-9+.-]*://|//[\w-]+(\.[\w-]+)+/", re.IGNORECASE)
_PICTURE = re.compile(
    r"\.(?:jpe?g|jpe|jfif|png|webp|gif|bmp|tiff?|avif|hei[cf])(?:[?#]\S*)?\Z", re.IGNORECASE
)
_SEVERAL = re.compile(r"[,;|\s\[{]")
_BETWEEN_PATHS = re.compile(r"([,;|\r\n]+)")
_BETWEEN_ADDRESSES = re.compile(r"\s+(?=[a-z][a-z0-9+.-]*://)", re.IGNORECASE)


def picture_sources(cell: object) -> tuple[bytes | str, ...]:
    """The pictures of a cell in its order, each once: encoded bytes, or a path or address. () for none.

    A text is cut at a comma, semicolon, pipe or line break, and, before an address, at a space; but only
    where both sides are pictures: an address follows, or a path that ends like a picture's follows another.
    Between an address and a path it is not cut, since addresses hold commas of their own. Of a picture in
    several sizes the largest is taken.

    Raises:
        ImageError: the cell holds something else, such as a number.
    """
    if type(cell) is str and not _SEVERAL.search(cell):  # most cells, and many
        return (cell,) if cell else ()
    return tuple(dict.fromkeys(_sources(cell)))


def is_address(text: str) -> bool:
    """Whether a text is an address and no path: "https://shop.example/a.jpg", "//cdn.example/a.jpg"."""
    return bool(_ADDRESS.match(text))


def _sources(cell: object) -> Iterator[bytes | str]:
    match cell:
        case None:
            return
        case JsonText():
            yield from _sources(json.loads(cell))
        case str():
            yield from _sources_of_text(cell.strip())
        case bytes():
            if cell:
                yield cell
        case Mapping():
            yield from _sources_of_struct(cell)
        case Sequence():
            for each in cell:
                yield from _sources(each)
        case _:
            raise ImageError(f"the image is {cell!r:.60}: give a file's path or its bytes")


def _sources_of_struct(struct: Mapping[str, object]) -> Iterator[bytes | str]:
    """The one picture of a struct, or of a struct of lists, as Parquet may store a list of structs, each."""
    named = [struct[key] for key in _SIZES_AND_NAMES if key in struct]
    if not named and struct:
        raise ImageError(f"the image is {struct!r:.60}: give a file's path or its bytes")
    lists = [value for value in named if isinstance(value, list)]
    for place in range(max(map(len, lists), default=0)):
        yield from _best(value[place] for value in lists if place < len(value))
    if not lists:
        yield from _best(named)


def _best(pictures: Iterator[object] | Sequence[object]) -> Iterator[bytes | str]:
    """The first of the values that is not empty."""
    for picture in pictures:
        if sources := picture_sources(picture):
            yield sources[0]
            return


def _sources_of_text(text: str) -> Iterator[bytes | str]:
    if text[:1] + text[-1:] in ("[]", "{}"):
        for parse in (json.loads, ast.literal_eval):
            try:
                parsed = parse(text)
            except (ValueError, SyntaxError, MemoryError, RecursionError):
                continue
            yield from _sources(parsed)
            return
    for part in _cut(text):
        for picture in _BETWEEN_ADDRESSES.split(part):
            if picture := picture.strip():
                yield picture


def _cut(text: str) -> list[str]:
    """The parts of a text between separators, where both sides are pictures."""
    first, *rest = _BETWEEN_PATHS.split(text)
    parts = [first]
    for separator, following in zip(rest[::2], rest[1::2], strict=True):
        before, after = parts[-1].strip(), following.strip()
        is_path = not is_address(before)
        if not after or is_address(after) or (is_path and _ends_as_picture(before, after)):
            parts.append(following)
        else:
            parts[-1] += separator + following
    return parts


def _ends_as_picture(*paths: str) -> bool:
    return all(not path or _PICTURE.search(path) for path in paths)
