"""What runs in the processes of an IsolatedDecoder, and how they talk with their caller.

A worker looks at no file itself: it forks the process that does, and another when that one dies.
Files and pixels go through memory that both share, turns through a socket.
"""

import ctypes
import fcntl
import json
import mmap
import os
import resource
import signal
import socket
import struct
import sys
import traceback
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Self

import numpy as np
import numpy.typing as npt

from preprocessing.unusable import DecoderFault, UnusableImage

Pixels = npt.NDArray[np.uint8]
Decoder = Callable[[bytes, int], Pixels]
Result = Pixels | UnusableImage | DecoderFault

# A request's lengths go in one message, which a socket takes whole.
MAXIMUM_BATCH = 256
# Memory that is shared at least; it grows by doubling.
LEAST_BYTES = 1 << 20
# Shared memory: the number of the request that was taken up, a slot a file (how far it is, and the
# words if it is refused), then room for their pixels, then the files.
TURN = struct.Struct("<Q")
SLOT = struct.Struct("<BI")
SLOT_BYTES = 4096
WAITING, BEGUN, DECODED, UNUSABLE, FAULTY = range(5)
# Request: its number, whether its process is to end after it, pixels a side, each file's bytes.
REQUEST = struct.Struct("<Q?I")
LENGTH = struct.Struct("<Q")
# Answer: the number of the request, and what ended the process: a signal, or minus its exit code.
ANSWER = struct.Struct("<Qi")
_PR_SET_PDEATHSIG = 1


@dataclass(frozen=True)
class Limits:
    """What a decoder may take for one file."""

    cpu_seconds: float
    wall_seconds: float
    memory_bytes: int


class Memory:
    """A file in memory, and a view of it that grows. Nobody can make it shorter, which would end
    who looks at what is gone.
    """

    def __init__(self, file: int) -> None:
        self.file = file
        self._map: mmap.mmap | None = None

    @classmethod
    def new(cls) -> Self:
        """Of LEAST_BYTES."""
        file = os.memfd_create("decoding", os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING)
        fcntl.fcntl(file, fcntl.F_ADD_SEALS, fcntl.F_SEAL_SHRINK)
        os.ftruncate(file, LEAST_BYTES)
        return cls(file)

    def view(self, length: int) -> memoryview:
        """Of at least so many bytes; views of before stay good."""
        if self._map is None or len(self._map) < length:
            if os.fstat(self.file).st_size < length:
                os.ftruncate(self.file, 1 << (length - 1).bit_length())
            self._map = mmap.mmap(self.file, 0)
        return memoryview(self._map)

    def empty(self) -> None:
        """Gives its memory back to the system."""
        if self._map is not None:
            self._map.madvise(mmap.MADV_REMOVE)
            self._map = None

    def close(self) -> None:
        """Closes the file."""
        os.close(self.file)


def write_request(memory: Memory, files: Sequence[bytes], size: int) -> tuple[memoryview, int]:
    """Puts files where a decoder finds them: the memory's view, and how many bytes are used."""
    place = TURN.size + len(files) * (SLOT_BYTES + size * size * 3)
    view = memory.view(place + sum(map(len, files)))
    for index in range(len(files)):
        SLOT.pack_into(view, TURN.size + index * SLOT_BYTES, WAITING, 0)
    for file in files:
        view[place : place + len(file)] = file
        place += len(file)
    return view, place


def read_results(view: memoryview, count: int, size: int) -> list[Result]:
    """Of the files that are done; the process is trusted with nothing but their content."""
    pixels = np.empty((count, size, size, 3), np.uint8)
    first = TURN.size + count * SLOT_BYTES
    pixels.data.cast("B")[:] = view[first : first + pixels.nbytes]
    results: list[Result] = []
    for index in range(count):
        state, length = SLOT.unpack_from(view, TURN.size + index * SLOT_BYTES)
        place = TURN.size + index * SLOT_BYTES + SLOT.size
        words = bytes(view[place : place + min(length, SLOT_BYTES - SLOT.size)])
        if state in (WAITING, BEGUN):
            break
        if state == DECODED:
            results.append(pixels[index])
        elif state == UNUSABLE:
            reason, _, kind = words.decode(errors="replace").rpartition("\0")
            results.append(UnusableImage(reason, kind))
        else:
            results.append(DecoderFault(words.decode(errors="replace")))
    return results


def end_with_parent() -> None:
    """Has the system kill this process as soon as the one that started it is gone (prctl(2))."""
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


def serve() -> None:
    """What a worker runs: has a process decode, and another when it is gone; until the caller is.

    It looks at no file itself, and so what it forks from is whole.
    """
    facts = json.loads(sys.argv[1])
    # The caller ends it, and so does its end: a signal to the whole group would only spoil files.
    for ignored in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(ignored, signal.SIG_IGN)
    # Readers warn of each odd tag of a file, in words that are the file's.
    warnings.simplefilter("ignore")
    module, _, name = facts["decoder"].partition(":")
    decoder, limits = getattr(import_module(module), name), Limits(**facts["limits"])
    memory = Memory(facts["memory"])
    turns = memory.view(TURN.size)
    TURN.pack_into(turns, 0, 0)
    with socket.socket(fileno=facts["channel"]) as channel, suppress(ConnectionError):
        channel.send(ANSWER.pack(0, 0))
        while True:
            before = bytes(turns[: TURN.size])
            process = os.fork()
            if not process:
                _Child(decoder, limits, memory).serve(channel)
            ended = -os.waitstatus_to_exitcode(os.waitpid(process, 0)[1])
            turn = bytes(turns[: TURN.size])
            if turn == before:
                # It took up nothing: the caller is gone, or no such process can live.
                return
            channel.send(turn + ANSWER.pack(0, ended)[TURN.size :])


class _Child:
    """What decodes, in a process of its own that a file may end."""

    def __init__(self, decoder: Decoder, limits: Limits, memory: Memory) -> None:
        self._decoder = decoder
        self._limits = limits
        self._memory = memory

    def serve(self, channel: socket.socket) -> None:
        """Answers requests until the caller is gone, and ends the process."""
        self._bound()
        with suppress(ConnectionError):
            while request := channel.recv(REQUEST.size + MAXIMUM_BATCH * LENGTH.size):
                turn, alone, size = REQUEST.unpack_from(request)
                lengths = [length for (length,) in LENGTH.iter_unpack(request[REQUEST.size :])]
                self._decode_all(turn, lengths, size)
                if alone:
                    break
                channel.send(ANSWER.pack(turn, 0))
        # Not through what the worker would do at its own end.
        os._exit(0)

    def _bound(self) -> None:
        end_with_parent()
        # A dump of a crash would hold all of the memory.
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[0])
        most = pages * resource.getpagesize() + self._limits.memory_bytes
        _, hard = resource.getrlimit(resource.RLIMIT_AS)
        if hard == resource.RLIM_INFINITY or most < hard:
            resource.setrlimit(resource.RLIMIT_AS, (most, hard))
        with suppress(OSError):
            # Where memory is short, the system ends this one and not the caller.
            Path("/proc/self/oom_score_adj").write_text("1000", encoding="ascii")

    def _decode_all(self, turn: int, lengths: Sequence[int], size: int) -> None:
        pixels_bytes = size * size * 3
        pixels_place = TURN.size + len(lengths) * SLOT_BYTES
        place = pixels_place + len(lengths) * pixels_bytes
        view = self._memory.view(place + sum(lengths))
        TURN.pack_into(view, 0, turn)
        for index, length in enumerate(lengths):
            slot = TURN.size + index * SLOT_BYTES
            data = bytes(view[place : place + length])
            place += length
            SLOT.pack_into(view, slot, BEGUN, 0)
            state, words, pixels = self._decoded(data, size)
            if pixels is not None:
                first = pixels_place + index * pixels_bytes
                view[first : first + pixels_bytes] = pixels.data.cast("B")
            words = words[: SLOT_BYTES - SLOT.size]
            view[slot + SLOT.size : slot + SLOT.size + len(words)] = words
            SLOT.pack_into(view, slot, state, len(words))

    def _decoded(self, data: bytes, size: int) -> tuple[int, bytes, Pixels | None]:
        try:
            with self._timed():
                pixels = self._decoder(data, size)
            if pixels.shape != (size, size, 3) or pixels.dtype != np.uint8:
                raise TypeError(
                    f"The decoder gave {pixels.dtype} {pixels.shape}, not uint8 {(size, size, 3)}."
                )
            return DECODED, b"", np.ascontiguousarray(pixels)
        except UnusableImage as unusable:
            return UNUSABLE, _words(str(unusable), unusable.kind), None
        except MemoryError:
            limit = f"more than {self._limits.memory_bytes >> 20} MB of memory"
            kind = "takes too much memory to decode"
            return UNUSABLE, _words(f"takes its decoder {limit}", kind), None
        except Exception:  # noqa: BLE001 - the caller gets it
            last = traceback.format_exc().encode(errors="replace")[SLOT.size - SLOT_BYTES :]
            return FAULTY, last, None

    @contextmanager
    def _timed(self) -> Iterator[None]:
        # The kernel's default for these signals is to end the process, in native code too.
        signal.setitimer(signal.ITIMER_PROF, self._limits.cpu_seconds)
        signal.setitimer(signal.ITIMER_REAL, self._limits.wall_seconds)
        try:
            yield
        finally:
            signal.setitimer(signal.ITIMER_PROF, 0)
            signal.setitimer(signal.ITIMER_REAL, 0)


def _words(reason: str, kind: str) -> bytes:
    return reason.encode(errors="replace")[:3000] + b"\0" + kind.encode(errors="replace")[:500]
