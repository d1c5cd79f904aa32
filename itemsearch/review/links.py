"""Makes the address of a listing's page in the shop."""

from __future__ import annotations

from urllib.parse import quote, urlsplit

from itemsearch.errors import UsageError

ID = "{id}"


def check_link(link: str) -> None:
    """Checks a template of addresses; "" for none.

    Raises:
        UsageError: it is no web address, or has no place for the id.
    """
    if not link:
        return
    parts = urlsplit(link)
    if parts.scheme not in ("http", "https") or not parts.netloc or ID in parts.netloc or ID not in link:
        raise UsageError(f"--link {link!r}: write a web address with {ID} in it, such as https://shop/{ID}")


def page_of(link: str, id: str) -> str:
    """The address of the page of a listing, its id escaped; "" without a template."""
    return link.replace(ID, quote(id, safe="")) if link else ""
