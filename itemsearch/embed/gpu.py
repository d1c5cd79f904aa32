"""Tells whether there is a GPU, without loading torch or FAISS, which take time and memory."""

from __future__ import annotations

import ctypes
import sys


def count_gpus() -> int:
    """The number of GPUs that the CUDA driver shows to this process; 0 without a driver.

    Source: the CUDA driver API, cuInit and cuDeviceGetCount, which honour CUDA_VISIBLE_DEVICES.
    """
    try:
        driver = ctypes.CDLL("nvcuda.dll" if sys.platform == "win32" else "libcuda.so.1")
    except OSError:
        return 0
    count = ctypes.c_int()
    failed = driver.cuInit(0) or driver.cuDeviceGetCount(ctypes.byref(count))
    return 0 if failed else count.value
