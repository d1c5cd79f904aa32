"""How files are read, where their bytes do not tell or the user knows better."""

from __future__ import annotations

import codecs
from dataclasses import dataclass
from io import BytesIO, TextIOWrapper

from itemsearch.errors import UsageError

QUOTINGS = ("doubled", "backslash", "none")
"""How a quotation mark is written within a quoted cell; "none" where it is a character like any other."""
_SPELLED = {"tab": "\t", "\\t": "\t"}


@dataclass(frozen=True, slots=True)
class ReadOptions:
    """What the user says about the format of files; "" for what is to be found.

    Attributes:
        delimiter: of CSV and TSV: a character, "tab" or "\\t".
        encoding: of text: a name that Python knows, such as "windows-1252".
        quoting: of CSV and TSV: one of `QUOTINGS`.
        comment: lines of CSV and TSV that begin with it are left out.
        sheet: the sheet to read of Excel files; "" for the first that has rows.

    Raises:
        UsageError: no delimiter, encoding or quoting.
    """

    delimiter: str = ""
    encoding: str = ""
    quoting: str = ""
    comment: str = ""
    sheet: str = ""

    def __post_init__(self) -> None:
        delimiter = _SPELLED.get(self.delimiter, self.delimiter)
        if len(delimiter) > 1 or delimiter in tuple("\"'\\\r\n\0"):
            raise UsageError(f"delimiter {self.delimiter!r}: it is one character, or tab, and no quote")
        if self.quoting not in ("", *QUOTINGS):
            raise UsageError(f"quoting {self.quoting!r}: it is {', '.join(QUOTINGS[:-1])} or {QUOTINGS[-1]}")
        object.__setattr__(self, "delimiter", delimiter)
        object.__setattr__(self, "encoding", self.encoding and _codec(self.encoding))


def _codec(encoding: str) -> str:
    """The name of a codec of text."""
    try:
        codec = codecs.lookup(encoding)
        TextIOWrapper(BytesIO(), encoding)  # refuses base64 and the like, which are codecs too
    except (LookupError, ValueError) as error:
        raise UsageError(f"encoding {encoding!r}: there is none of that name") from error
    return codec.name
