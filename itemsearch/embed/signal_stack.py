"""Keeps OpenVINO from replacing the stack on which signals are handled.

Its CPU plugin gives the thread that loads it an alternate stack of the least size that the processor needs.
Python's handlers ask for that stack, and beside torch, which uses the largest registers, Ctrl-C ended in a
segmentation fault (sigaltstack(2), AT_MINSIGSTKSZ).
"""

from __future__ import annotations

import ctypes
import sys
from collections.abc import Iterator
from contextlib import contextmanager


class _Stack(ctypes.Structure):
    """stack_t of Linux."""

    _fields_ = (("sp", ctypes.c_void_p), ("flags", ctypes.c_int), ("size", ctypes.c_size_t))


@contextmanager
def kept_signal_stack() -> Iterator[None]:
    """Gives this thread the alternate signal stack back that it had before, or none."""
    if sys.platform != "linux":
        yield
        return
    libc, before = ctypes.CDLL(None), _Stack()
    libc.sigaltstack(None, ctypes.byref(before))
    try:
        yield
    finally:
        libc.sigaltstack(ctypes.byref(before), None)
