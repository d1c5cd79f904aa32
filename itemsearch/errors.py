"""Defines every exception that itemsearch raises on purpose; each message is one line that a user can act on.

ItemSearchError
├── UsageError              a wrong argument: k of 0, neither id nor title nor image      (exit code 2)
├── CatalogError            the catalog as a whole cannot be read
│   ├── CatalogNotFoundError
│   ├── EmptyCatalogError
│   ├── MissingColumnError
│   └── NotCatalogError     a file is sound and no table: a picture, a web page
├── ImageError              an image cannot be read
│   ├── ImageNotFoundError  there is no such file, or it is outside the image root
│   │   └── ImageAddressError  it is a web address, whose picture was not downloaded
│   └── ImageTooLargeError  it has too many pixels
├── FetchError              pictures cannot be fetched, or no fetched ones are there
├── TooManyBadRowsError     the share of rejected rows passed --max-bad-rate              (exit code 3)
├── ModelError              a model folder, hub name or pre-training config cannot be used
├── StoreError              a store is missing, unfinished or damaged
├── IndexFolderError        an index is missing or damaged, or cannot be built with these settings
│   └── GateError           an index that is not good enough to be published          (exit code 4)
├── ModelMismatchError      an index was made by another model
├── DecisionsError          the decisions on an index cannot be read or written
│   └── StaleDecisionError  somebody else decided on the same listings in the meantime
├── ReviewError             the review application cannot start: a damaged run, a missing library
├── ServiceError            the service cannot start: a missing library
├── ExportError             an export cannot be written, or is not what the index holds
├── PlanError               rates that cannot be read or measured
├── AddressError            a web application cannot listen: a port in use, a host of another machine
└── UnknownIdError          the index has no such id
"""

from __future__ import annotations


class ItemSearchError(Exception):
    """Root of the tree."""

    exit_code = 1


class UsageError(ItemSearchError):
    exit_code = 2


class CatalogError(ItemSearchError):
    pass


class CatalogNotFoundError(CatalogError):
    pass


class EmptyCatalogError(CatalogError):
    pass


class NotCatalogError(CatalogError):
    pass


class MissingColumnError(CatalogError):
    pass


class ImageError(ItemSearchError):
    pass


class ImageNotFoundError(ImageError):
    pass


class ImageAddressError(ImageNotFoundError):
    pass


class ImageTooLargeError(ImageError):
    pass


class FetchError(ItemSearchError):
    pass


class TooManyBadRowsError(ItemSearchError):
    exit_code = 3


class ModelError(ItemSearchError):
    pass


class StoreError(ItemSearchError):
    pass


class IndexFolderError(ItemSearchError):
    pass


class GateError(IndexFolderError):
    exit_code = 4


class ModelMismatchError(ItemSearchError):
    pass


class DecisionsError(ItemSearchError):
    pass


class StaleDecisionError(DecisionsError):
    pass


class ReviewError(ItemSearchError):
    pass


class ServiceError(ItemSearchError):
    pass


class ExportError(ItemSearchError):
    pass


class PlanError(ItemSearchError):
    pass


class AddressError(ItemSearchError):
    pass


class UnknownIdError(ItemSearchError):
    pass
