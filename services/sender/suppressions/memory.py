"""Large arrays that come and go leave holes in the heap, which the C library keeps."""

import ctypes
import sys


def give_back() -> None:
    """Give free memory back to the system, where the C library can do that (glibc)."""
    if sys.platform == "linux":
        trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
        if trim is not None:
            trim(0)
