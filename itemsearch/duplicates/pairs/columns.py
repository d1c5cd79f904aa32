"""Compares the carried columns of listings: identifiers, and columns that agree more or less."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa

from itemsearch.attributes.identifiers import (
    MODEL_COLUMNS,
    MOST_SHARED,
    TRADE_COLUMNS,
    Identifier,
    contradict,
    read_column,
)
from itemsearch.attributes.vocabulary import fold
from itemsearch.columns import no_column, read_texts
from itemsearch.duplicates.pairs.long_texts import LongTexts, is_long
from itemsearch.errors import UsageError
from itemsearch.indexes.arrays import Doubles, Ints, Mask, Rows
from itemsearch.search.text_readings import as_numbers

AGREEING_COLUMNS = ("brand", "manufacturer", "maker", "price", "description")
"""Columns that are compared where a catalog has them, in any case."""
EQUAL_PRICE, NEAR_PRICE = 0.02, 0.25
"""Relative differences up to which two numbers are equal, and near."""
MISSING, UNLIKE, NEAR, EQUAL, PROVEN = -1, 0, 1, 2, 3
"""Levels of agreement. `PROVEN`, of identifiers alone: equal trade numbers whose check digit is right."""


@dataclass(frozen=True, slots=True)
class IdentifierColumn:
    """An identifier of N listings. codes: (N,) int64, equal for equal identifiers, -1 for none. valid: (N,)
    whether its check digit is right."""

    name: str
    trade: bool
    identifiers: Sequence[Identifier | None]
    codes: Ints
    valid: Mask

    @classmethod
    def of(cls, listings: pa.Table, name: str) -> IdentifierColumn:
        """Reads a column of the index's listings."""
        trade = name.casefold() not in MODEL_COLUMNS
        identifiers, _ = read_column(read_texts(listings, name), trade, MOST_SHARED)
        numbers: dict[str, int] = {}
        codes = [-1 if each is None else numbers.setdefault(each.text, len(numbers)) for each in identifiers]
        valid = np.array([each is not None and each.valid for each in identifiers], bool)
        return cls(name, trade, identifiers, np.array(codes, np.int64), valid)

    def levels(self, a: Rows, b: Rows) -> Ints:
        """(P,) `PROVEN` or `EQUAL`, `UNLIKE` where the identifiers contradict each other, else `MISSING`."""
        one, other = self.codes[a], self.codes[b]
        known = (one >= 0) & (other >= 0)
        levels = np.where(
            known & (one == other), np.where(self.valid[a] & self.trade, PROVEN, EQUAL), MISSING
        )
        unequal = known & (one != other)
        if self.trade:  # as `contradict`, of all at once
            levels[unequal & (self.valid[a] == self.valid[b])] = UNLIKE
            return levels
        for place in np.flatnonzero(unequal).tolist():
            first, second = self.identifiers[a[place]], self.identifiers[b[place]]
            if first is not None and second is not None and contradict(first, second, trade=False):
                levels[place] = UNLIKE
        return levels

    def pairs(self) -> tuple[Rows, Rows]:
        """(P,) and (P,) the rows of every two listings of one identifier."""
        # codes [0, -1, 0, 0] -> order [1, 0, 2, 3]; the run of code 0 is rows 0, 2, 3: pairs 0-2, 0-3, 2-3.
        order = np.argsort(self.codes, kind="stable")
        order = order[self.codes[order] >= 0]
        ones, others = [np.empty(0, np.int64)], [np.empty(0, np.int64)]
        for step in range(1, MOST_SHARED):
            same = self.codes[order[:-step]] == self.codes[order[step:]]
            if not same.any():
                break
            ones.append(order[:-step][same])
            others.append(order[step:][same])
        return np.concatenate(ones), np.concatenate(others)

    def describe(self, row: int) -> str:
        identifier = self.identifiers[row]
        return "" if identifier is None else identifier.text


@dataclass(frozen=True, slots=True)
class AgreeingColumn:
    """A column of N listings: numbers (N,) float64, NaN for none, long texts, or names.

    names: the different folded texts, "" for none. codes: (N,) the place of each listing's among these.
    """

    name: str
    numbers: Doubles | None = None
    long: LongTexts | None = None
    names: Sequence[str] = ()
    codes: Ints = field(default_factory=lambda: np.empty(0, np.int64))

    @classmethod
    def of(cls, listings: pa.Table, name: str) -> AgreeingColumn:
        """Reads a column; text of plain numbers counts as numbers, text of many words as long texts."""
        column = as_numbers(listings[name])
        if pa.types.is_integer(column.type) or pa.types.is_floating(column.type):
            numbers = column.cast(pa.float64()).to_numpy()
            return cls(name, np.where(numbers > 0, numbers, np.nan))
        texts = read_texts(listings, name)
        if is_long(texts):
            return cls(name, long=LongTexts.of(texts))
        numbers_of: dict[str, int] = {}
        codes = [numbers_of.setdefault(fold(text).strip(), len(numbers_of)) for text in texts]
        return cls(name, names=tuple(numbers_of), codes=np.array(codes, np.int64))

    def levels(self, a: Rows, b: Rows) -> Ints:
        """(P,) `EQUAL`, `NEAR`, `UNLIKE` or `MISSING`; of long texts as `LongTexts.levels`."""
        if self.long is not None:
            return self.long.levels(a, b)
        if self.numbers is not None:
            one, other = self.numbers[a], self.numbers[b]
            with np.errstate(invalid="ignore"):
                apart = np.abs(one - other) / np.maximum(one, other)
                graded = np.where(apart <= EQUAL_PRICE, EQUAL, np.where(apart <= NEAR_PRICE, NEAR, UNLIKE))
            return np.where(np.isnan(apart), MISSING, graded)
        size = max(len(self.names), 1)
        different, pair = np.unique(self.codes[a] * size + self.codes[b], return_inverse=True)
        levels = [
            _text_level(self.names[each // size], self.names[each % size]) for each in different.tolist()
        ]
        return np.array(levels, np.int64)[pair]


@dataclass(frozen=True, slots=True)
class CarriedColumns:
    """The columns of an index that are evidence beside title and picture."""

    identifiers: tuple[IdentifierColumn, ...] = ()
    agreeing: tuple[AgreeingColumn, ...] = ()

    @classmethod
    def of(cls, listings: pa.Table, identifiers: Sequence[str], compared: Sequence[str]) -> CarriedColumns:
        """Reads the columns named, and those that are known by their names.

        Raises:
            UsageError: a column that is not there.
        """
        present = listings.column_names
        for option, names in (("--identifier", identifiers), ("--compare", compared)):
            for name in names:
                if name not in present:
                    raise UsageError(no_column(present, name, purpose=f" for {option}"))
        known = [name for name in present if name.casefold() in (*TRADE_COLUMNS, *MODEL_COLUMNS)]
        proving = tuple(dict.fromkeys((*known, *identifiers)))
        alike = [name for name in present if name.casefold() in AGREEING_COLUMNS]
        agreeing = [name for name in dict.fromkeys((*alike, *compared)) if name not in proving]
        return cls(
            tuple(IdentifierColumn.of(listings, name) for name in proving),
            tuple(AgreeingColumn.of(listings, name) for name in agreeing),
        )

    def identifier_levels(self, a: Rows, b: Rows) -> Ints:
        """(P,) over all identifiers: `PROVEN` or `EQUAL` if one is, else `UNLIKE` if one contradicts."""
        levels = np.full(len(a), MISSING)
        for column in self.identifiers:
            of_column = column.levels(a, b)
            better = (of_column >= EQUAL) & (of_column > levels)
            levels = np.where(better | (levels == MISSING), of_column, levels)
        return levels

    def levels(self, a: Rows, b: Rows) -> Ints:
        """(P, C) of the agreeing columns."""
        columns = [column.levels(a, b) for column in self.agreeing]
        return np.stack(columns, axis=1) if columns else np.empty((len(a), 0), np.int64)

    def names(self) -> tuple[str, ...]:
        """Of the identifiers, then of the agreeing columns."""
        return (*(column.name for column in self.identifiers), *(column.name for column in self.agreeing))


def _text_level(one: str, other: str) -> int:
    if not one or not other:
        return MISSING
    if one == other:
        return EQUAL
    return NEAR if set(one.split()) & set(other.split()) else UNLIKE
