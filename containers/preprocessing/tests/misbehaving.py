"""A decoder that does what its file says: what real ones do to hostile files."""

import ctypes
import os
import signal
import sys
import time

import numpy as np
import simplejpeg

from preprocessing import UnusableImage
from preprocessing.tests.hostile import lossless_jpeg


def decode(data: bytes, size: int):  # noqa: PLR0912 - a case a misdeed
    match data.split(b":")[0]:
        case b"segfault":
            ctypes.string_at(0)
        case b"abort":
            os.abort()
        case b"exit":
            os._exit(7)
        case b"kill":
            os.kill(os.getpid(), signal.SIGKILL)
        case b"spin":
            while True:
                pass
        case b"sleep":
            time.sleep(600)
        case b"memory":
            bytearray(1 << 40)
        case b"fault":
            raise AssertionError("no palette")
        case b"shape":
            return np.zeros((size, 3), np.uint8)
        case b"unusable":
            raise UnusableImage("is a test: é", "is a test")
        case b"corrupt":
            # What a heap overflow does: another file meets the damage.
            sys.modules[__name__].decode_next = os.abort
        case b"overflow":
            # It scales no lossless frame, and writes all of it into what would hold a quarter.
            simplejpeg.decode_jpeg(lossless_jpeg(256, 256), "RGB", min_height=128, min_width=128)
    getattr(sys.modules[__name__], "decode_next", int)()
    return np.full((size, size, 3), data[0], np.uint8)
