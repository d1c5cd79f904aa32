"""The errors of this package. `itemsearch` re-raises them in its own tree.

VectorIndexError
├── SpecError          an index specification that does not fit the rows or the dimension
├── NoGpuError         a GPU was requested and there is none
├── BuildError         vectors from which no index can be built
├── QueryError         queries that cannot be compared with the vectors
├── WarmStartError     the training of an earlier version that cannot be reused
├── TargetError        no index within the budget reaches the target recall
├── DamagedIndexError  files that are missing, cut short or altered
├── NoVersionError     a version that does not exist
├── BusyError          another process is writing to the same folder
└── DiskFullError      no room on the disk
"""

from __future__ import annotations


class VectorIndexError(Exception):
    """Root of the tree."""


class SpecError(VectorIndexError):
    pass


class NoGpuError(VectorIndexError):
    pass


class BuildError(VectorIndexError):
    pass


class QueryError(VectorIndexError):
    pass


class WarmStartError(VectorIndexError):
    pass


class TargetError(VectorIndexError):
    pass


class DamagedIndexError(VectorIndexError):
    pass


class NoVersionError(VectorIndexError):
    pass


class BusyError(VectorIndexError):
    pass


class DiskFullError(VectorIndexError):
    pass
