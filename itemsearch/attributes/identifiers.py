"""Identifiers of products: trade item numbers (GTIN, EAN, UPC, ISBN) and makers' model numbers.

GTINs follow the GS1 General Specifications, section 7.9 (check digit): the digits of a GTIN-8, -12, -13 or
-14, padded to 14 with zeros on the left, weigh 3 and 1 in turn; the sum is a multiple of 10.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum

TRADE_COLUMNS = (
    "gtin",
    "gtin8",
    "gtin12",
    "gtin13",
    "gtin14",
    "ean",
    "ean13",
    "upc",
    "isbn",
    "isbn13",
    "barcode",
    "variant barcode",  # of Shopify
    "gtin, upc, ean, or isbn",  # of WooCommerce
)
MODEL_COLUMNS = ("mpn", "model", "modelno", "model_number", "modelnumber", "part_number", "partnumber")
"""Columns that are taken for identifiers by their names, in any case."""

_SEPARATORS = re.compile(r"[\s.\-_/']+")
_BETWEEN_IDENTIFIERS = re.compile(r",\s+|[;|]")
_EXPONENT = re.compile(r"\d+(?:[.,]\d+)?e\+?\d+", re.IGNORECASE)
_WHOLE = re.compile(r"(\d+)[.,]0+")
_ISBN10 = re.compile(r"\d{9}[\dXx]")
_LENGTHS = (8, 12, 13, 14)
_PLACEHOLDERS = frozenset(
    {"na", "nan", "none", "null", "unknown", "doesnotapply", "notapplicable", "tbd", "test"}
)
LEAST_MODEL_LENGTH = 4
MOST_SHARED = 20
"""An identifier of more listings than this says nothing of any: a guess."""


class Unusable(StrEnum):
    """Why a cell of an identifier column counts for nothing."""

    EXPONENT = "written with an exponent"  # a spreadsheet's 4.00638E+12 has lost its digits
    PLACEHOLDER = "a placeholder"  # zeros, one digit repeated, N/A
    SHORT = "too short or of a wrong length"
    SHARED = "shared by many listings"


@dataclass(frozen=True, slots=True)
class Identifier:
    """An identifier in one spelling, or those of a product's variants, sorted and separated by spaces.

    valid: its check digit is right, or that of each; a model number is always valid.
    """

    text: str
    valid: bool


def read_trade_number(cell: str) -> Identifier | Unusable | None:
    """A GTIN of 14 digits; None for an empty cell.

    A number of a right length and a wrong check digit is kept, not valid: shops have numbers of their own.
    "4006381333931.0" is what a table of floats makes of a number.
    """
    whole = _WHOLE.fullmatch(cell.strip())
    text = _SEPARATORS.sub("", whole[1] if whole else cell)
    if not text:
        return None
    if _EXPONENT.fullmatch(cell.strip()):
        return Unusable.EXPONENT
    if _is_placeholder(text):
        return Unusable.PLACEHOLDER
    if _ISBN10.fullmatch(text):
        text = _isbn13(text)
    if not text.isdecimal() or not text.isascii():
        return Unusable.SHORT
    digits = text.lstrip("0").zfill(8)
    valid = len(digits) <= 14 and has_check_digit(digits)
    # A spreadsheet drops zeros on the left: a number of 9 to 11 digits is one if its check digit is right.
    if len(digits) > 14 or not (valid or len(text) in _LENGTHS):
        return Unusable.SHORT
    return Identifier(digits.zfill(14), valid)


def read_model_number(cell: str) -> Identifier | Unusable | None:
    """A maker's number, its letters and digits alone, in capitals; None for an empty cell."""
    text = "".join(char for char in cell if char.isalnum()).upper()
    if not text:
        return None
    if _EXPONENT.fullmatch(cell.strip()):
        return Unusable.EXPONENT
    if _is_placeholder(text):
        return Unusable.PLACEHOLDER
    if len(text) < LEAST_MODEL_LENGTH or not any(char.isdigit() for char in text):
        return Unusable.SHORT
    return Identifier(text, True)


def has_check_digit(digits: str) -> bool:
    """Whether the last digit of a GTIN is the check digit of the others."""
    padded = [int(digit) for digit in digits.zfill(14)]
    return (sum(padded[0::2]) * 3 + sum(padded[1::2])) % 10 == 0


@dataclass(frozen=True, slots=True)
class IdentifierCounts:
    """What a column of identifiers holds. rows: cells that are not empty. valid: of them, usable ones whose
    check digit is right. unusable: cells by reason."""

    rows: int
    valid: int
    unusable: Mapping[Unusable, int]


def read_column(
    cells: Iterable[str | None], trade: bool, most_shared: int
) -> tuple[list[Identifier | None], IdentifierCounts]:
    """The identifiers of a column, a cell a listing; None where a cell counts for nothing.

    Args:
        trade: whether the column holds trade item numbers; else model numbers.
        most_shared: an identifier of more listings than this is of none.
    """
    found = [_read_cell(cell or "", trade) for cell in cells]
    listings = Counter(each.text for each in found if isinstance(each, Identifier))
    unusable = Counter(each for each in found if isinstance(each, Unusable))
    identifiers: list[Identifier | None] = []
    for each in found:
        shared = isinstance(each, Identifier) and listings[each.text] > most_shared
        unusable[Unusable.SHARED] += shared
        identifiers.append(each if isinstance(each, Identifier) and not shared else None)
    valid = sum(each is not None and each.valid for each in identifiers)
    rows = sum(each is not None for each in found)
    return identifiers, IdentifierCounts(rows, valid, dict(+unusable))


def _read_cell(cell: str, trade: bool) -> Identifier | Unusable | None:
    """The identifier of a cell, or the identifiers; what is wrong with one of them is wrong with the cell."""
    read = read_trade_number if trade else read_model_number
    if not _BETWEEN_IDENTIFIERS.search(cell):
        return read(cell)
    several = [each for part in _BETWEEN_IDENTIFIERS.split(cell) if (each := read(part)) is not None]
    unusable = [each for each in several if isinstance(each, Unusable)]
    texts = sorted({each.text for each in several if isinstance(each, Identifier)})
    if unusable or not texts:
        return unusable[0] if unusable else None
    return Identifier(" ".join(texts), all(isinstance(each, Identifier) and each.valid for each in several))


def contradict(one: Identifier, other: Identifier, trade: bool) -> bool:
    """Whether two identifiers of one column say that their listings are two products.

    Those of several variants do not where one of them is the same. Trade numbers do where they are unequal
    and the check digits of both are right, or of neither, as of a shop's own numbers: one alone may be a
    typing error. Model numbers do where neither begins with the other: sellers add and drop the ends that
    stand for a region or a colour.
    """
    if not set(one.text.split()).isdisjoint(other.text.split()):
        return False
    if trade:
        return one.valid == other.valid
    return not (one.text.startswith(other.text) or other.text.startswith(one.text))


def _is_placeholder(text: str) -> bool:
    return text.casefold() in _PLACEHOLDERS or len(set(text)) == 1 or text in ("123456789", "1234567890123")


def _isbn13(isbn10: str) -> str:
    """The ISBN-13 of an ISBN-10: another prefix, another check digit."""
    stem = f"978{isbn10[:9]}"
    return next(f"{stem}{digit}" for digit in range(10) if has_check_digit(f"{stem}{digit}"))
