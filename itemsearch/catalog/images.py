"""Finds, reads and decodes images, the same way for catalogs and queries."""

from __future__ import annotations

import io
import os
import stat
import struct
import warnings
import zlib
from functools import cache
from pathlib import Path

import numpy as np
from PIL import Image, ImageOps, UnidentifiedImageError

from itemsearch.errors import ImageError, ImageNotFoundError

MAX_SIDE = 512
"""The most pixels a side of a decoded image: at least twice what an encoder uses."""

MAX_PIXELS = 50_000_000
MAX_FILE_BYTES = 256 * 2**20
FORMATS = ("JPEG", "PNG", "WEBP", "GIF", "BMP", "TIFF")

# What Pillow's decoders raise on damaged or hostile bytes, beside OSError.
_DECODER_ERRORS = (
    OSError,
    SyntaxError,
    ValueError,
    TypeError,
    LookupError,
    ArithmeticError,
    EOFError,
    RuntimeError,
    MemoryError,
    struct.error,
    zlib.error,
    Image.DecompressionBombError,
    Warning,  # where the user's filters make errors of them
)


def locate_image(root: str, path: str) -> str:
    """Resolves the path of an image, which starts from `root` unless absolute and must end inside it.

    Raises:
        ImageNotFoundError: it leaves `root`, be it by a link.
    """
    real_root = os.path.realpath(root)
    try:
        real_path = os.path.realpath(Path(real_root, path))
    except ValueError as error:
        raise ImageNotFoundError(f"no file path: {error}") from error
    if os.path.commonpath([real_root, real_path]) != real_root:
        raise ImageNotFoundError(
            f"outside {root}: move it there, or name a folder above both as the image root"
        )
    return real_path


def read_image_file(path: str | os.PathLike[str]) -> bytes:
    """Reads a regular file; a link, pipe, device or folder is refused without waiting on it.

    Raises:
        ImageNotFoundError: no such file.
        ImageError: not a regular file, not readable, or over `MAX_FILE_BYTES`.
    """
    try:
        with open(path, "rb", opener=_open_at_once) as file:
            status = os.fstat(file.fileno())
            if not stat.S_ISREG(status.st_mode):
                raise ImageError(f"{os.fspath(path)}: not a regular file")
            if status.st_size > MAX_FILE_BYTES:
                raise ImageError(f"{os.fspath(path)}: over {MAX_FILE_BYTES:,} bytes")
            return file.read()
    except (FileNotFoundError, NotADirectoryError) as error:
        raise ImageNotFoundError(f"{os.fspath(path)}: no such file") from error
    except (OSError, ValueError) as error:
        raise ImageError(f"cannot be read: {error}") from error


def _open_at_once(path: str, flags: int) -> int:
    """Opens a file, but no link, and without waiting for the other end of a pipe."""
    return os.open(path, flags | os.O_NOFOLLOW | os.O_NONBLOCK)


def decode_image(data: bytes) -> Image.Image:
    """Decodes an image: upright, RGB, at most `MAX_SIDE` pixels a side, aspect ratio kept.

    Transparency becomes white, 16-bit grey is scaled to 8 bits, and an animation gives its first frame.

    Raises:
        ImageError: it is not one of `FORMATS`, is cut short or damaged, or has over `MAX_PIXELS` pixels.
    """
    try:
        with _open(data) as image:
            return _normalise(image)
    except UnidentifiedImageError as error:
        raise ImageError(f"not an image of a known format ({', '.join(FORMATS)})") from error
    except _DECODER_ERRORS as error:
        raise ImageError(f"cannot be decoded: {error or type(error).__name__}") from error


def _open(data: bytes) -> Image.Image:
    _ignore_pillow_warnings()
    image = Image.open(io.BytesIO(data), formats=FORMATS)
    width, height = image.size
    if width * height > MAX_PIXELS:
        raise ImageError(f"{width} x {height} is over {MAX_PIXELS:,} pixels: make it smaller")
    return image


@cache
def _ignore_pillow_warnings() -> None:
    """Silences Pillow's warnings on images that are rejected or mended here.

    The filter stays for the whole process: one that is set and restored is not thread-safe.
    """
    warnings.filterwarnings("ignore", module=r"PIL\.")


def _normalise(image: Image.Image) -> Image.Image:
    # A JPEG is decoded at a fraction of its size; other formats ignore this.
    image.draft(None, (MAX_SIDE, MAX_SIDE))
    upright = ImageOps.exif_transpose(image)
    if upright.mode.startswith("I;16"):
        # convert() would clip all that is brighter than 255 of 65,535.
        upright = Image.fromarray((np.asarray(upright) >> 8).astype(np.uint8))
    elif upright.mode in ("I", "F"):
        raise ImageError("32 bits a channel: save it with 8 or 16")
    rgb = upright.convert("RGBA" if upright.has_transparency_data else "RGB")
    rgb.thumbnail((MAX_SIDE, MAX_SIDE), reducing_gap=2.0)
    if rgb.mode == "RGBA":
        white = Image.new("RGBA", rgb.size, "white")
        rgb = Image.alpha_composite(white, rgb).convert("RGB")
    rgb.info.clear()
    return rgb
