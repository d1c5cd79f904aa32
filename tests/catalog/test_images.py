from __future__ import annotations

import os
import struct
import subprocess
import sys
import threading
import zlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageDraw

from itemsearch.catalog.images import (
    FORMATS,
    MAX_BYTES,
    MAX_JPEG_BYTES,
    MAX_SIDE,
    _formats,
    decode_image,
    locate_image,
    read_image_file,
)
from itemsearch.errors import ImageAddressError, ImageError, ImageNotFoundError


@pytest.fixture
def scene() -> Image.Image:
    """48 x 32 with a dark left and a light right half, so that a turn shows."""
    image = Image.new("RGB", (48, 32), (230, 230, 230))
    ImageDraw.Draw(image).rectangle((0, 0, 23, 31), fill=(20, 20, 20))
    return image


@pytest.mark.parametrize("format", FORMATS)
def test_every_format_is_decoded_to_rgb(encode, scene, format):
    picture = decode_image(encode(scene, format))
    assert (picture.mode, picture.size) == ("RGB", (48, 32))
    assert np.abs(np.asarray(picture, int) - np.asarray(scene, int)).mean() < 3


def test_heic_is_read_where_pillow_heif_is_and_named_where_it_is_not(encode, scene, monkeypatch):
    pillow_heif = pytest.importorskip("pillow_heif")
    decode_image(encode())  # registers the format, to encode it too
    data = encode(scene, "HEIF")
    picture = decode_image(data)
    assert (picture.mode, picture.size) == ("RGB", (48, 32))
    assert np.abs(np.asarray(picture, int) - np.asarray(scene, int)).mean() < 4
    with pytest.raises(ImageError):
        decode_image(data[:-20])
    assert pillow_heif
    monkeypatch.setattr("itemsearch.catalog.images._formats", lambda: FORMATS)
    with pytest.raises(ImageError, match=r"HEIC, which needs pillow-heif: pip install 'itemsearch\[heic\]'"):
        decode_image(data)


def test_another_format_is_refused_though_pillow_knows_it(encode, scene):
    with pytest.raises(ImageError, match="known format"):
        decode_image(encode(scene, "ICO"))


@pytest.mark.parametrize("format", ["JPEG", "PNG", "WEBP", "TIFF"])
def test_exif_orientation_is_applied_once(encode, scene, format):
    exif = Image.Exif()
    exif[0x0112] = 6  # turn right by 90 degrees
    upright = decode_image(encode(scene, format, exif=exif))
    assert upright.size == (32, 48)
    assert upright.getpixel((16, 5)) < (60, 60, 60) < upright.getpixel((16, 42))


@pytest.mark.parametrize("mode", ["RGBA", "LA"])
def test_transparent_shows_white(encode, mode):
    assert decode_image(encode(Image.new(mode, (4, 4)))).getpixel((1, 1)) == (255, 255, 255)


def test_half_transparent_is_mixed_with_white(encode):
    grey = decode_image(encode(Image.new("RGBA", (4, 4), (0, 0, 0, 128)))).getpixel((1, 1))
    assert grey == pytest.approx((127, 127, 127), abs=1)


@pytest.mark.parametrize("mode", ["P", "L", "RGB"])
def test_transparent_colour_shows_white(encode, mode):
    key = (0, 0, 0) if mode == "RGB" else 0
    assert decode_image(encode(Image.new(mode, (4, 4)), transparency=key)).getpixel((1, 1)) == (255, 255, 255)


@pytest.mark.parametrize("format", ["PNG", "TIFF"])
def test_sixteen_bits_are_scaled_not_clipped(encode, format):
    grey = np.array([[0, 256, 32768, 65535]], np.uint16)
    picture = decode_image(encode(Image.fromarray(grey), format))
    assert np.asarray(picture)[0, :, 0].tolist() == [0, 1, 128, 255]


def test_thirty_two_bits_are_refused(encode):
    with pytest.raises(ImageError, match="32 bits"):
        decode_image(encode(Image.new("F", (4, 4)), "TIFF"))


@pytest.mark.parametrize("mode", ["1", "P", "CMYK"])
def test_other_modes_become_rgb(encode, scene, mode):
    picture = decode_image(encode(scene.convert(mode), "JPEG" if mode == "CMYK" else "PNG"))
    assert picture.getpixel((2, 2)) < (60, 60, 60) < picture.getpixel((45, 30))


@pytest.mark.parametrize("format", ["GIF", "WEBP", "PNG"])
def test_first_frame_of_an_animation(encode, scene, format):
    frames = [Image.new("RGB", scene.size, "blue")]
    picture = decode_image(encode(scene, format, save_all=True, append_images=frames))
    assert picture.getpixel((2, 2)) < (60, 60, 60)


@pytest.mark.parametrize("format", ["JPEG", "PNG"])
@pytest.mark.parametrize(
    ("size", "expected"),
    [((1500, 600), (MAX_SIDE, 205)), ((100, 2000), (26, MAX_SIDE)), ((2000, 1), (MAX_SIDE, 1))],
)
def test_result_is_small_and_keeps_its_shape(encode, format, size, expected):
    assert decode_image(encode(Image.new("RGB", size), format)).size == pytest.approx(expected, abs=1)


def test_drafted_jpeg_looks_like_the_full_decode(encode, scene):
    data = encode(scene.resize((1600, 1200), Image.Resampling.BICUBIC), "JPEG")
    slow = scene.resize((1600, 1200), Image.Resampling.BICUBIC)
    slow.thumbnail((MAX_SIDE, MAX_SIDE))
    assert np.abs(np.asarray(decode_image(data), int) - np.asarray(slow, int)).mean() < 2


@pytest.mark.parametrize(
    ("format", "lost"), [("JPEG", 1), ("WEBP", 1), ("BMP", 5), ("PNG", 30), ("GIF", 30), ("TIFF", 400)]
)
def test_cut_short_is_refused(encode, format, lost):
    noise = Image.fromarray(np.random.default_rng(0).integers(0, 255, (40, 50, 3), np.uint8))
    data = encode(noise, format)
    decode_image(data)
    with pytest.raises(ImageError):
        decode_image(data[:-lost])


@pytest.fixture
def bomb(encode) -> Callable[[int, int], bytes]:
    """A PNG of a few bytes that says it has width x height pixels."""

    def to_bytes(width: int, height: int) -> bytes:
        data = bytearray(encode())
        data[16:24] = struct.pack(">II", width, height)
        data[29:33] = struct.pack(">I", zlib.crc32(data[12:29]))
        return bytes(data)

    return to_bytes


@pytest.mark.parametrize("size", [(8000, 7000), (10_000, 10_000), (20_000, 20_000)])
def test_pixel_bomb_is_refused_undecoded(bomb, size):
    # Pillow has nothing to say of the first, warns of the second and raises at the third.
    with pytest.raises(ImageError, match=r"pixels|bytes to decode"):
        decode_image(bomb(*size))


MOST_MEMORY = {
    ("JPEG", False): 100e6,
    ("JPEG", True): MAX_JPEG_BYTES + 100e6,
    ("PNG", False): 2 * MAX_BYTES + 50e6,  # twice where it has transparency
    ("WEBP", False): 4 * MAX_BYTES + 50e6,  # the decoder's own buffers
    ("AVIF", False): 3 * MAX_BYTES,
}


@pytest.mark.parametrize(
    ("size", "mode", "format", "options"),
    [
        ((16_320, 12_240), "L", "JPEG", {}),
        *(
            pytest.param(*case, marks=pytest.mark.slow)
            for case in [
                ((16_320, 12_240), "RGB", "JPEG", {}),
                ((16_320, 12_240), "RGB", "JPEG", {"progressive": True}),
                ((16_000, 12_000), "L", "PNG", {}),
                ((10_000, 5_000), "RGB", "PNG", {}),
                ((10_000, 5_000), "RGBA", "PNG", {}),
                ((10_000, 5_000), "RGB", "WEBP", {}),
                ((8_000, 6_000), "RGB", "AVIF", {"speed": 10}),
            ]
        ),
    ],
)
@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="Linux tells a process's own peak")
def test_the_largest_photos_take_bounded_memory(tmp_path, size, mode, format, options):
    path = tmp_path / "large"
    make = f"Image.new({mode!r}, {size}, 90).save({str(path)!r}, {format!r}, **{options})"
    run_apart(f"from PIL import Image\nImage.MAX_IMAGE_PIXELS = None\n{make}")
    peak = run_apart(
        "from pathlib import Path\nfrom itemsearch.catalog.images import decode_image\n"
        "def peak():\n"
        "    lines = Path('/proc/self/status').read_text().splitlines()\n"
        "    return next(int(line.split()[1]) for line in lines if line.startswith('VmHWM'))\n"
        f"data = Path({str(path)!r}).read_bytes()\n"
        "before = peak()\n"
        "assert max(decode_image(data).size) == 512\n"
        "print(1024 * (peak() - before))"
    )
    assert int(peak) < MOST_MEMORY[format, bool(options.get("progressive"))]


def test_large_pictures_are_refused_by_what_they_take(encode, bomb):
    with pytest.raises(ImageError, match=r"200,?000,?000 pixels"):
        decode_image(bomb(20_000, 11_000))
    photo = jpeg_of_size(encode, 14_000, 14_000, subsampling=0, progressive=True)
    with pytest.raises(ImageError, match=r"14000 x 14000 takes .* bytes to decode, over 640,000,000"):
        decode_image(photo)
    photo = jpeg_of_size(encode, 14_000, 14_000, subsampling=0)
    assert decode_image(photo).size == (MAX_SIDE, MAX_SIDE), "in one scan it takes a fraction"


def test_a_jpeg_with_a_scan_for_each_colour_counts_as_progressive(encode):
    photo = jpeg_of_size(encode, 14_000, 14_000, subsampling=0)
    place = photo.index(b"\xff\xda")
    one_colour = photo[: place + 2] + b"\0\x08\x01\x01\0\0\x3f\0" + photo[place + 14 :]
    with pytest.raises(ImageError, match="bytes to decode, over 640,000,000"):
        decode_image(one_colour)


def jpeg_of_size(encode: Callable[..., bytes], width: int, height: int, **options: object) -> bytes:
    """A JPEG of a few bytes that says it has width x height pixels."""
    data = bytearray(encode(Image.new("RGB", (16, 16)), "JPEG", **options))
    frame = data.index(b"\xff\xc2" if options.get("progressive") else b"\xff\xc0")
    data[frame + 5 : frame + 9] = struct.pack(">HH", height, width)
    return bytes(data)


def run_apart(code: str) -> str:
    """What a process of its own prints."""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return done.stdout


@pytest.mark.filterwarnings("default")
def test_bomb_and_broken_exif_print_nothing(encode, bomb, recwarn):
    _formats.cache_clear()
    broken = encode(Image.new("RGB", (4, 4)), "JPEG", exif=b"Exif\0\0II*\0\x08\0\0\0\xff\xff\x12\x01")
    assert decode_image(broken).size == (4, 4)
    with pytest.raises(
        ImageError, match="10000 x 10000 takes 400,000,000 bytes to decode, over 200,000,000: make it smaller"
    ):
        decode_image(bomb(10_000, 10_000))
    assert not recwarn.list


@pytest.mark.parametrize("data", [b"", b"GIF8", b"<html>", b"\xff\xd8\xff\xe0" + b"\0" * 40])
def test_rubbish_is_refused(data):
    with pytest.raises(ImageError):
        decode_image(data)


def test_damage_raises_nothing_but_image_error(encode, scene):
    rng = np.random.default_rng(0)
    refused = 0
    for format in ("JPEG", "PNG", "WEBP", "GIF", "BMP"):
        clean = encode(scene, format)
        for _ in range(60):
            data = bytearray(clean)
            data[rng.integers(len(data))] = rng.integers(256)
            try:
                decode_image(bytes(data))
            except ImageError:
                refused += 1
    assert refused > 50


def test_metadata_is_dropped(encode, scene):
    assert decode_image(encode(scene, "JPEG", exif=Image.Exif(), comment=b"x", icc_profile=b"y")).info == {}


def test_read_image_file(tmp_path):
    (tmp_path / "a.jpg").write_bytes(b"abc")
    assert read_image_file(tmp_path / "a.jpg") == b"abc"
    with pytest.raises(ImageNotFoundError, match=r"b\.jpg"):
        read_image_file(tmp_path / "b.jpg")


def test_what_is_no_regular_file_is_refused_at_once(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "link").symlink_to(tmp_path / "pipe")
    for name in ("pipe", "link", ".", "\0"):
        with pytest.raises(ImageError) as caught:
            read_image_file(f"{tmp_path}/{name}")
        assert not isinstance(caught.value, ImageNotFoundError)


def test_huge_file_is_refused_unread(tmp_path):
    with (tmp_path / "big").open("wb") as file:
        file.truncate(2**30)
    with pytest.raises(ImageError, match="over 268,435,456 bytes"):
        read_image_file(tmp_path / "big")


def test_locate_image_inside_its_root(tmp_path):
    root = tmp_path / "root"
    (root / "sub").mkdir(parents=True)
    (root / "a.jpg").touch()
    (root / "inner.jpg").symlink_to(root / "a.jpg")
    expected = os.path.realpath(root / "a.jpg")
    for path in ("a.jpg", "./sub/../a.jpg", "inner.jpg", str(root / "a.jpg")):
        assert locate_image(str(root), path) == expected


@pytest.mark.parametrize(
    "path", ["../secret", "/etc/passwd", "outer", "folder/secret", "sub/../../secret", "../root-2/x"]
)
def test_locate_image_never_leaves_its_root(tmp_path, path):
    root = tmp_path / "root"
    (root / "sub").mkdir(parents=True)
    (tmp_path / "root-2").mkdir()
    (tmp_path / "secret").touch()
    (root / "outer").symlink_to(tmp_path / "secret")
    (root / "folder").symlink_to(tmp_path)
    with pytest.raises(ImageNotFoundError, match="outside"):
        locate_image(str(root), path)


@pytest.mark.parametrize("path", ["//cdn.example/b.jpg", "s3://bucket/b.jpg"])
def test_locate_image_says_to_download_first(tmp_path, path):
    with pytest.raises(ImageAddressError, match="download it"):
        locate_image(str(tmp_path), path)


def test_a_leading_slash_starts_at_the_root_and_backslashes_are_slashes(tmp_path):
    root = tmp_path / "media"
    (root / "m" / "b").mkdir(parents=True)
    (root / "m" / "b" / "x.jpg").touch()
    (root / "back\\slash.jpg").touch()
    (tmp_path / "secret").touch()
    (root / "link").symlink_to(tmp_path)
    expected = os.path.realpath(root / "m" / "b" / "x.jpg")
    for path in (
        "/m/b/x.jpg",
        "m/b/x.jpg",
        "//m/b/x.jpg",
        "\\m\\b\\x.jpg",
        "m\\b\\x.jpg",
        "m\\..\\m/b\\x.jpg",
    ):
        assert locate_image(str(root), path) == expected
    assert locate_image(str(root), "back\\slash.jpg").endswith("back\\slash.jpg")
    for path in ("/../secret", "/link/secret", "..\\secret", "\\..\\secret", str(tmp_path / "secret")):
        with pytest.raises(ImageNotFoundError, match="outside"):
            locate_image(str(root), path)


def test_a_leading_slash_without_a_file_is_no_such_file_under_the_root(tmp_path):
    assert locate_image(str(tmp_path), "/m/b/gone.jpg") == os.path.realpath(tmp_path / "m/b/gone.jpg")


def test_locate_image_with_a_nul_or_a_loop(tmp_path: Path):
    with pytest.raises(ImageNotFoundError):
        locate_image(str(tmp_path), "a\0b")
    (tmp_path / "loop").symlink_to("loop")
    with pytest.raises(ImageError):
        read_image_file(locate_image(str(tmp_path), "loop"))


def test_decoding_on_threads_gives_the_same(encode, scene):
    data = encode(scene, "JPEG")
    expected = decode_image(data).tobytes()
    results: list[bytes] = []
    threads = [
        threading.Thread(target=lambda: results.append(decode_image(data).tobytes())) for _ in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert results == [expected] * 8
