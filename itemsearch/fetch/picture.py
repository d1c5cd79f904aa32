"""Tells by the bytes of an answer whether it is a picture, whatever its Content-Type says."""

from __future__ import annotations

import io
import re
import struct
import warnings

from PIL import Image, UnidentifiedImageError

from itemsearch.catalog.images import FORMATS, decode_image
from itemsearch.errors import ImageError
from itemsearch.fetch.types import NoPictureError

_HTML = re.compile(rb"\s*(<!--.*?-->\s*)*<(!doctype\s+html|html|head|body|title|script|meta)\b", re.I | re.S)


def picture_format(body: bytes, max_pixels: int, whole: bool) -> str:
    """Pillow's name of a picture's format; only its header is read.

    Args:
        whole: whether the server said how long the body is. If it did not, a cut connection looks like the
            end, and the picture is decoded to see whether it is whole.

    Raises:
        NoPictureError: it is no picture, is cut short, or has over `max_pixels` pixels.
    """
    try:
        # Pillow warns of pictures that are large for it; the limit here is the user's.
        with (
            warnings.catch_warnings(action="ignore", category=Image.DecompressionBombWarning),
            Image.open(io.BytesIO(body), formats=FORMATS) as image,
        ):
            (width, height), format = image.size, image.format
    except Image.DecompressionBombError as error:
        raise NoPictureError("too many pixels", f"over {max_pixels:,} pixels") from error
    except (OSError, SyntaxError, ValueError, TypeError, struct.error) as error:
        raise NoPictureError("not a picture", f"not a picture: {_likeness(body, error)}") from error
    if width * height > max_pixels:
        raise NoPictureError("too many pixels", f"{width} x {height} is over {max_pixels:,} pixels")
    if not whole:
        try:
            decode_image(body)
        except ImageError as error:
            raise NoPictureError(
                "connection cut", f"the picture is cut short: {error}", passing=True
            ) from error
    assert format is not None, "an opened file has a format"
    return format


def _likeness(body: bytes, error: Exception) -> str:
    """What a body seems to be that is no picture."""
    if not body:
        return "empty"
    if _HTML.match(body[:2048]):
        return "HTML"
    if body.lstrip()[:5].lower() in (b"<?xml", b"<svg ") or b"<svg" in body[:256]:
        return "SVG" if b"<svg" in body[:2048] else "XML"
    if body.lstrip()[:1] in (b"{", b"["):
        return "JSON"
    if isinstance(error, UnidentifiedImageError):
        return f"no known format ({', '.join(FORMATS)})"
    return str(error)
