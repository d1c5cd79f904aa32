"""Finds, reads and decodes images, the same way for catalogs and queries."""

from __future__ import annotations

import io
import os
import stat
import struct
import threading
import warnings
import zlib
from contextlib import nullcontext
from functools import cache
from pathlib import Path

import numpy as np
from PIL import Image, ImageOps, UnidentifiedImageError
from PIL.JpegImagePlugin import JpegImageFile

from itemsearch.catalog.pictures import is_address
from itemsearch.errors import ImageAddressError, ImageError, ImageNotFoundError, ImageTooLargeError

MAX_SIDE = 512
"""The most pixels a side of a decoded image: at least twice what an encoder uses."""

SMALL_SIDE = 96
"""The most pixels a side of a picture that is not embedded: enough for its sketch."""

MAX_PIXELS = 200_000_000
"""Those of the largest photos: 16,320 x 12,240 of a telephone are 199.8 million."""

MAX_BYTES = 200_000_000
"""The most bytes of a decoded image: 50 million pixels in colour. A grey one takes a quarter as many, and a
JPEG is decoded at a fraction of its size."""

MAX_JPEG_BYTES = 640_000_000
"""The most bytes of the coefficients of a progressive JPEG, all of which are held: those of the largest
photos, with colours at half the resolution. Above `MAX_BYTES` one is decoded at a time."""

MAX_FILE_BYTES = 256 * 2**20
FORMATS = ("JPEG", "PNG", "WEBP", "GIF", "BMP", "TIFF", "AVIF")
"""What is read; HEIC too, where pillow-heif is installed: the extra `heic`."""

_HEIC_BRANDS = (b"heic", b"heix", b"hevc", b"heim", b"heis", b"mif1", b"msf1")
_STARTS = (b"\xff\xd8\xff", b"\x89PNG", b"GIF8", b"BM", b"II*\0", b"MM\0*")
_large = threading.Lock()

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
    Warning,  # where the user's filters make errors of them
)


def locate_image(root: str, path: str) -> str:
    """Resolves the path of an image, which starts from `root` and must end inside it.

    A path that starts with a slash is looked for under `root` as well, as "/m/b/x.jpg" in an export of
    Magento, and backslashes are slashes, unless there is a file of that very name.

    Raises:
        ImageAddressError: it is an address that cannot be fetched, such as "s3://bucket/a.jpg".
        ImageNotFoundError: it leaves `root`, be it by a link.
    """
    if is_address(path):
        raise ImageAddressError("an address: download it and give the file's path")
    real_root = os.path.realpath(root)
    try:
        real_path = os.path.realpath(Path(real_root, path))
        if "\\" in path and not os.path.lexists(real_path):
            path = path.replace("\\", "/")
            real_path = os.path.realpath(Path(real_root, path))
        if path.startswith("/") and not _is_inside(real_root, real_path):
            under_root = os.path.realpath(Path(real_root, path.lstrip("/")))
            if os.path.lexists(under_root) or not os.path.lexists(real_path):
                real_path = under_root
    except ValueError as error:
        raise ImageNotFoundError(f"no file path: {error}") from error
    if not _is_inside(real_root, real_path):
        raise ImageNotFoundError(
            f"outside of the folder {Path(real_root).name}: move it there, "
            "or name a folder above both as the image root"
        )
    return real_path


def _is_inside(root: str, path: str) -> bool:
    return os.path.commonpath([root, path]) == root


def read_image_file(path: str | os.PathLike[str], name: str = "") -> bytes:
    """Reads a regular file; a link, pipe, device or folder is refused without waiting on it.

    Args:
        name: what errors call it; by default its path.

    Raises:
        ImageNotFoundError: no such file.
        ImageError: not a regular file, not readable, or over `MAX_FILE_BYTES`.
    """
    name = name or os.fspath(path)
    try:
        with open(path, "rb", opener=_open_at_once) as file:
            status = os.fstat(file.fileno())
            if not stat.S_ISREG(status.st_mode):
                raise ImageError(f"{name}: not a regular file")
            if status.st_size > MAX_FILE_BYTES:
                raise ImageError(f"{name}: over {MAX_FILE_BYTES:,} bytes")
            return file.read()
    except (FileNotFoundError, NotADirectoryError) as error:
        raise ImageNotFoundError(f"{name}: no such file") from error
    except (OSError, ValueError) as error:
        reason = (error.strerror if isinstance(error, OSError) else None) or error
        raise ImageError(f"{name}: cannot be read: {reason}") from error


def _open_at_once(path: str, flags: int) -> int:
    """Opens a file, but no link, and without waiting for the other end of a pipe."""
    return os.open(path, flags | os.O_NOFOLLOW | os.O_NONBLOCK)


def decode_image(data: bytes, side: int = MAX_SIDE) -> Image.Image:
    """Decodes an image: upright, RGB, at most `side` pixels a side, aspect ratio kept.

    Transparency becomes white, 16-bit grey is scaled to 8 bits, and an animation gives its first frame.

    Raises:
        ImageTooLargeError: it is larger than the limits above.
        ImageError: it is none of `FORMATS`, is cut short or damaged.
    """
    try:
        with _open(data) as image, _large if _check_size(image, data, side) > MAX_BYTES else nullcontext():
            return _normalise(image, side)
    except UnidentifiedImageError as error:
        if is_heic(data):
            raise ImageError("HEIC, which needs pillow-heif: pip install 'itemsearch[heic]'") from error
        raise ImageError(f"not an image of a known format ({', '.join(_formats())})") from error
    except Image.DecompressionBombError as error:  # twice `MAX_PIXELS`, which Pillow refuses by itself
        raise ImageTooLargeError(f"over {MAX_PIXELS:,} pixels: make it smaller") from error
    except _DECODER_ERRORS as error:
        raise ImageError(f"cannot be decoded: {error or type(error).__name__}") from error


def looks_like_image(data: bytes) -> bool:
    """Whether bytes start as those of an image do: a page of a shop's "404 not found" does not."""
    is_webp = data[:4] == b"RIFF" and data[8:12] == b"WEBP"
    return data.startswith(_STARTS) or is_webp or data[4:8] == b"ftyp"


def is_heic(data: bytes) -> bool:
    """Whether bytes start as those of a HEIC photo do."""
    return data[4:8] == b"ftyp" and data[8:12] in _HEIC_BRANDS


def _open(data: bytes) -> Image.Image:
    image = Image.open(io.BytesIO(data), formats=_formats())
    width, height = image.size
    if width * height > MAX_PIXELS:
        raise ImageTooLargeError(f"{width} x {height} is over {MAX_PIXELS:,} pixels: make it smaller")
    return image


@cache
def _formats() -> tuple[str, ...]:
    """The formats that are read. Prepares Pillow for them once, for the whole process."""
    # A filter that is set and restored is not thread-safe. These are of images rejected or mended here.
    warnings.filterwarnings("ignore", module=r"PIL\.")
    Image.MAX_IMAGE_PIXELS = MAX_PIXELS  # Pillow's own limit is lower, and below it only warns
    try:
        import pillow_heif
    except ImportError:
        return FORMATS
    pillow_heif.register_heif_opener()
    return (*FORMATS, "HEIF")


def _check_size(image: Image.Image, data: bytes, side: int) -> int:
    """The bytes that an opened image takes to decode to `side` pixels a side.

    Raises:
        ImageTooLargeError: they are too many.
    """
    (width, height), full_size = image.size, image.size
    size, most = width * height * (1 if _is_grey(image) else 4), MAX_BYTES
    if isinstance(image, JpegImageFile):
        # A JPEG is decoded at a fraction of its size; other formats have no draft.
        image.draft(None, (side, side))
        size = image.width * image.height * 4
        if _is_in_several_scans(image, data):
            size, most = size + _coefficient_bytes(image, full_size), MAX_JPEG_BYTES
    if size > most:
        raise ImageTooLargeError(
            f"{width} x {height} takes {size:,} bytes to decode, over {most:,}: make it smaller"
        )
    return size


def _is_grey(image: Image.Image) -> bool:
    """Whether Pillow holds one byte a pixel, and `_normalise` too; of colours it holds four."""
    return image.mode in ("1", "L") and not image.has_transparency_data


def _is_in_several_scans(image: JpegImageFile, data: bytes) -> bool:
    """Whether a JPEG is progressive or has a scan for each colour: its coefficients are then held whole."""
    place = 2
    while not image.info.get("progressive") and place + 4 < len(data):
        marker, length = data[place + 1], int.from_bytes(data[place + 2 : place + 4])
        if marker == 0xDA:  # a scan begins, of so many of the colours
            return data[place + 4] < len(image.layer)
        place += 2 + length if data[place] == 0xFF and marker != 0xFF else 1
    return True


def _coefficient_bytes(image: JpegImageFile, size: tuple[int, int]) -> int:
    """Two bytes for each coefficient of a JPEG of a full size of width and height."""
    samples = [across * down for _, across, down, _ in image.layer]
    largest = max(across for _, across, _, _ in image.layer) * max(down for _, _, down, _ in image.layer)
    return 2 * size[0] * size[1] * sum(samples) // max(largest, 1)


def _normalise(image: Image.Image, side: int) -> Image.Image:
    # In place, and converted only where it has to be: a copy of a large image takes as much again.
    ImageOps.exif_transpose(image, in_place=True)
    if image.mode.startswith("I;16"):
        # convert() would clip all that is brighter than 255 of 65,535.
        image = Image.fromarray((np.asarray(image) >> 8).astype(np.uint8))
    elif image.mode in ("I", "F"):
        raise ImageError("32 bits a channel: save it with 8 or 16")
    if _is_grey(image):  # made smaller before it takes four bytes a pixel
        image = _converted(image, "L")
        image.thumbnail((side, side), reducing_gap=2.0)
    rgb = _converted(image, "RGBA" if image.has_transparency_data else "RGB")
    rgb.thumbnail((side, side), reducing_gap=2.0)
    if rgb.mode == "RGBA":
        white = Image.new("RGBA", rgb.size, "white")
        rgb = Image.alpha_composite(white, rgb).convert("RGB")
    plain = rgb.copy()  # no longer the image of a file
    plain.info.clear()
    return plain


def _converted(image: Image.Image, mode: str) -> Image.Image:
    return image if image.mode == mode else image.convert(mode)
