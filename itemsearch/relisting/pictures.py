"""Random edits of a product's picture, as another seller's picture might differ.

Colours stay recognisable, because two products may differ in colour alone: changes of tone are mild, hues are
not shifted, and a new background does not cover the product.
"""

from __future__ import annotations

import io
from collections.abc import Callable
from functools import lru_cache

import numpy as np
from PIL import Image, ImageDraw, ImageEnhance, ImageFilter, ImageFont, ImageOps

from itemsearch.relisting.background import border_colour, replace_background
from itemsearch.relisting.edits import apply_drawn

PictureEdit = Callable[[Image.Image, np.random.Generator], Image.Image | None]

_WATERMARKS = ("SHOP24", "dealhub", "(c) MegaStore", "best-buys", "outlet", "SAMPLE", "trendmall", "myshop")
_STICKERS = ("SALE", "NEW", "-20%", "HOT", "-50%", "TOP")
_INKS = ((205, 32, 44), (240, 170, 20), (25, 110, 190), (30, 140, 80), (20, 20, 24), (150, 60, 150))


def rephotograph(
    image: Image.Image, rng: np.random.Generator, edits: int
) -> tuple[Image.Image, tuple[str, ...]]:
    """The RGB image after `edits` different edits, and their names (of `EDIT_NAMES`) in the order applied.

    The result is RGB; crops make it smaller and frames larger. `image` itself is not changed.
    """
    return apply_drawn(image, _EDITS, edits, rng)


def _mirror(image: Image.Image, _: np.random.Generator) -> Image.Image:
    return ImageOps.mirror(image)


def _rotate(image: Image.Image, rng: np.random.Generator) -> Image.Image:
    angle = rng.uniform(3.0, 10.0) * rng.choice((-1.0, 1.0))
    return image.rotate(angle, Image.Resampling.BILINEAR, fillcolor=border_colour(image))


def _crop(image: Image.Image, rng: np.random.Generator) -> Image.Image:
    left, top, right, bottom = rng.uniform(0.05, 0.20, 4)
    width, height = image.size
    box = (int(left * width), int(top * height), width - int(right * width), height - int(bottom * height))
    return image.crop(box)


def _tone(image: Image.Image, rng: np.random.Generator) -> Image.Image:
    """Brightness, contrast, saturation and gamma; one curve for all channels, so that the hue stays."""
    brightness, contrast, saturation, gamma = rng.uniform(0.82, 1.18, 4)
    levels = (np.arange(256) / 255.0) ** gamma
    curve = ((levels - 0.5) * contrast + 0.5) * brightness * 255.0
    image = image.point(np.clip(curve, 0, 255).astype(np.uint8).tolist() * 3)
    return ImageEnhance.Color(image).enhance(float(saturation))


def _blur(image: Image.Image, rng: np.random.Generator) -> Image.Image:
    return image.filter(ImageFilter.GaussianBlur(min(image.size) * rng.uniform(0.004, 0.010)))


def _sticker(image: Image.Image, rng: np.random.Generator) -> Image.Image:
    """A badge with a short text in a corner, about a quarter of the picture wide."""
    width, height = image.size
    side = max(8, int(min(width, height) * rng.uniform(0.20, 0.28)))
    ink = _INKS[int(rng.integers(len(_INKS)))]
    badge = Image.new("RGB", (2 * side, 2 * side), ink)
    shape = Image.new("L", badge.size, 0)
    box = (0, 0, 2 * side - 1, 2 * side - 1)
    if rng.random() < 0.6:
        ImageDraw.Draw(shape).ellipse(box, fill=255)
    else:
        ImageDraw.Draw(shape).rounded_rectangle(
            (0, side // 2, 2 * side - 1, 3 * side // 2), side // 6, fill=255
        )
    text = _STICKERS[int(rng.integers(len(_STICKERS)))]
    ImageDraw.Draw(badge).text((side, side), text, (255, 255, 255), _font(max(8, 2 * side // 3)), anchor="mm")
    corner = (0 if rng.random() < 0.5 else width - side, 0 if rng.random() < 0.5 else height - side)
    edited = image.copy()
    edited.paste(badge.resize((side, side), Image.Resampling.BOX), corner, shape.resize((side, side)))
    return edited


def _watermark(image: Image.Image, rng: np.random.Generator) -> Image.Image:
    """Faint text across the picture, once or in lines, dark or light."""
    width, height = image.size
    text = _WATERMARKS[int(rng.integers(len(_WATERMARKS)))]
    ink = (255, 255, 255) if rng.random() < 0.3 else (90, 90, 90)
    strength = int(rng.uniform(0.25, 0.5) * 255)
    mask = Image.new("L", image.size, 0)
    pen = ImageDraw.Draw(mask)
    if rng.random() < 0.5:
        pen.text((width // 2, height // 2), text, strength, _font(max(8, width // 6)), anchor="mm")
    else:
        for row in range(4):
            place = (int((0.3 + 0.4 * (row % 2)) * width), int((row + 0.5) * height / 4))
            pen.text(place, text, strength, _font(max(8, width // 10)), anchor="mm")
    mask = mask.rotate(float(rng.uniform(-35, 35)), Image.Resampling.BILINEAR)
    return Image.composite(Image.new("RGB", image.size, ink), image, mask)


def _frame(image: Image.Image, rng: np.random.Generator) -> Image.Image:
    width = max(1, int(min(image.size) * rng.uniform(0.02, 0.07)))
    return ImageOps.expand(image, width, _INKS[int(rng.integers(len(_INKS)))])


def _half_size(image: Image.Image, rng: np.random.Generator) -> Image.Image:
    share = rng.uniform(0.4, 0.55)
    small = (max(1, int(image.width * share)), max(1, int(image.height * share)))
    return image.resize(small, Image.Resampling.BILINEAR).resize(image.size, Image.Resampling.BILINEAR)


def _low_quality(image: Image.Image, rng: np.random.Generator) -> Image.Image:
    file = io.BytesIO()
    image.save(file, "JPEG", quality=int(rng.integers(15, 40)))
    return Image.open(file, formats=["JPEG"]).convert("RGB")


@lru_cache(maxsize=64)
def _font(size: int) -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    """Pillow's built-in font, the same on every machine; cached, since loading takes longer than drawing."""
    return ImageFont.load_default(size)


_EDITS: dict[str, PictureEdit] = {
    "background": replace_background,
    "mirrored": _mirror,
    "rotated": _rotate,
    "cropped": _crop,
    "tone": _tone,
    "blurred": _blur,
    "sticker": _sticker,
    "watermark": _watermark,
    "frame": _frame,
    "half_size": _half_size,
    "low_quality": _low_quality,
}

EDIT_NAMES: tuple[str, ...] = tuple(_EDITS)
