"""The engine that users open: searches an index, and matches incoming listings with it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from itemsearch.columns import stored_name
from itemsearch.errors import UsageError
from itemsearch.search.engine import Engine as SearchEngine
from itemsearch.search.query_vectors import read_image
from itemsearch.titles import fold_title, is_no_title
from itemsearch.types import Listing

if TYPE_CHECKING:
    from PIL import Image

    from itemsearch.matching.matcher import Matcher
    from itemsearch.matching.results import Match


KEPT_MATCHERS = 4
"""So many sets of columns are kept ready, since each has identifiers of the whole index. A guess."""


class Engine(SearchEngine):
    """An open version of an index, which also matches incoming listings. See `SearchEngine`."""

    _matchers: dict[tuple[str, ...], Matcher]

    def match(
        self, *, title: str = "", image: str | Path | Image.Image | None = None, **columns: Any
    ) -> Match:
        """Tells whether a listing is one of the index, perhaps is, or is new.

        Args:
            title, image: of the listing; at least one of them. columns: others that may be evidence, such as
                gtin, brand or price.

        Raises:
            UsageError: neither title nor image.
            ImageError: the image cannot be read.
            ModelMismatchError: the model is not the one that made the index.
        """
        return self.match_many([{"title": title, "image": image, **columns}])[0]

    def match_many(self, listings: Sequence[Mapping[str, Any]]) -> list[Match]:
        """As `match`, for B listings, which are compared with each other too; B answers in their order.

        `query_id` is a listing's "id" if it has one, else its place. From 20 listings on, how sure an answer
        is rests on these listings, below that on a sample of the index, which is read once.

        Raises:
            UsageError: a listing has neither title nor image.
        """
        from itemsearch.matching.feed import Twins  # duplicates take time to import
        from itemsearch.matching.incoming import Incoming
        from itemsearch.matching.matcher import LEARN_FROM, MatchConfig, Matcher

        if not listings:
            return []
        names = sorted({name for listing in listings for name in listing} - {"id", "title", "image"})
        kept = self.__dict__.setdefault("_matchers", {})
        matcher = kept.get(tuple(names)) if len(listings) < LEARN_FROM else None
        if matcher is None:
            matcher = Matcher(self, list(map(stored_name, names)), MatchConfig())
            if len(listings) < LEARN_FROM:
                kept[tuple(names)] = matcher
                if len(kept) > KEPT_MATCHERS:
                    del kept[next(iter(kept))]
        carried = pa.table(
            {stored_name(name): [_text(listing.get(name)) for listing in listings] for name in names}
        )
        rows = [self._listing(place, listing) for place, listing in enumerate(listings)]
        incoming = Incoming.embed(rows, carried, matcher.shared, self.encoder)
        return Twins().tell(matcher.match(incoming), [row.content_hash for row in rows])

    def _listing(self, place: int, given: Mapping[str, Any]) -> Listing:
        """A listing as a catalog's reader makes it.

        Raises:
            UsageError: neither title nor image, or nothing but a placeholder of the index's catalog.
        """
        from itemsearch.catalog.images import read_image_file  # Pillow takes time to import
        from itemsearch.catalog.placeholders import image_digest
        from itemsearch.catalog.read import content_hash

        title, image = fold_title(str(given.get("title") or "")), given.get("image")
        title = "" if is_no_title(title) else title
        id = _text(given.get("id")) or str(place)
        if not title and image is None:
            raise UsageError(f"listing {id!r} has neither a title nor an image: give one of them")
        if isinstance(image, str | Path):
            path, image = Path(image), read_image(image)
            if image_digest(read_image_file(path)) in self.summary.placeholders:
                image = None
                if not title:
                    raise UsageError(f"listing {id!r}: {path} is a placeholder of the catalog: give a title")
        digest = content_hash(title, *(() if image is None else (image.tobytes(),)))
        return Listing(place + 1, id, title, "", image, digest)


def _text(value: Any) -> str | None:
    return None if value is None else str(value)
