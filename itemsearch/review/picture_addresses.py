"""Makes the web addresses of pictures that a browser loads by itself."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Self
from urllib.parse import quote, urlsplit

import pyarrow as pa
import pyarrow.compute as pc

from itemsearch.errors import ReviewError
from itemsearch.fetched import is_web_address, without_credentials

IMAGE, ID = "{image}", "{id}"
_HOST = re.compile(r"[A-Za-z0-9.-]+(?::[0-9]+)?")
"""A host of the catalog goes into a header: nothing else may."""
MOST_HOSTS = 20
"""So many hosts are named in the policy of a page; of more, any is allowed."""


@dataclass(frozen=True, slots=True)
class PictureAddresses:
    """template: an address with `IMAGE` or `ID` in it; "" for the addresses in the catalog. origins: of all
    the addresses, for the content security policy."""

    listings: pa.Table
    template: str
    origins: tuple[str, ...]

    @classmethod
    def of(cls, listings: pa.Table, where: str) -> Self:
        """
        Args:
            where: "addresses" for those in the catalog, or a template.

        Raises:
            ReviewError: the template has no place for a listing, or the catalog has no addresses.
        """
        if where != "addresses":
            parts = urlsplit(where)
            if not _HOST.fullmatch(parts.netloc) or not (IMAGE in where or ID in where):
                raise ReviewError(
                    f"--images {where!r}: write an address with {IMAGE} (the path in the catalog) or {ID} "
                    f"behind its host, such as https://cdn.shop.example/{IMAGE}"
                )
            return cls(listings, where, (f"{parts.scheme}://{parts.netloc}",))
        names = listings["image_name"] if "image_name" in listings.column_names else pa.chunked_array([[]])
        pattern = rf"^(?P<origin>(?i:https?)://{_HOST.pattern})(?:[/?#]|$)"
        found = pc.struct_field(pc.extract_regex(names.cast(pa.string()), pattern), "origin")
        hosts = sorted(found.unique().drop_null().to_pylist())
        if not hosts:
            raise ReviewError("--images addresses: no picture of this index has a web address; name a folder")
        return cls(listings, "", tuple(hosts) if len(hosts) <= MOST_HOSTS else ("https:", "http:"))

    def of_row(self, row: int) -> str:
        """The address of a row's picture; "" for none."""
        named = "image_name" in self.listings.column_names
        name = self.listings["image_name"][row].as_py() or "" if named else ""
        if not self.template:
            return without_credentials(name) if is_web_address(name) else ""
        if IMAGE in self.template and not name:
            return ""
        id = self.listings["id"][row].as_py()
        return self.template.replace(IMAGE, quote(name)).replace(ID, quote(id, safe=""))
