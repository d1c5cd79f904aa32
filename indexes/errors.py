"""What can go wrong with an index. `itemsearch` re-raises these in its own tree.

VectorIndexError
├── SpecError          an index specification that does not fit the rows or the dimension
├── NoGpuError         a GPU was asked for and there is none
├── BuildError         vectors from which no index can be built
├── QueryError         queries that cannot be compared with the vectors
├── OutgrownError      an earlier training that does not fit today's vectors
├── TargetError        no index within the budget reaches the recall asked for
├── DamagedIndexError  files that are missing, cut short or altered
├── NoVersionError     a version that is not there
├── BusyError          another process is writing to the same folder
└── DiskFullError      no room for a new version
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


class OutgrownError(VectorIndexError):
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
