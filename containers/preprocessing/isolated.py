"""Decodes in child processes, so that a file that crashes its decoder costs nothing but itself.

    with IsolatedDecoder(workers=2) as decoder:
        pixels = decoder.decode(data, 224)            # or UnusableImage
        results = decoder.decode_all(files, 224)      # pixels or the exception, file by file

Calls block and may come from any number of threads: each takes an idle worker or waits for one.
From asyncio they go through an executor with a thread a worker:

    pixels = await loop.run_in_executor(threads, decoder.decode, data, 224)

A worker is a process started anew, whatever threads the caller has; it never sees a file itself but
forks the one that does, and another when that one dies, within milliseconds. They end when the
caller does, however that ends: at once if idle, else when a file is done or out of time. They need
no folder to write to and no right.
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
import subprocess
import sys
import traceback
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from importlib import import_module
from pathlib import Path
from queue import LifoQueue
from typing import Self

import numpy as np
import numpy.typing as npt

from preprocessing.unusable import UnusableImage

Pixels = npt.NDArray[np.uint8]
Decoder = Callable[[bytes, int], Pixels]

TOO_LONG = "takes too long to decode"
"""The kind of a file that overdraws its time."""

CPU_SECONDS = 20.0
MEMORY_BYTES = 4 << 30
# A request's lengths go in one message, which a socket takes whole.
MAXIMUM_BATCH = 256
# A worker that has not said that it is ready by then never will.
START_SECONDS = 120.0
END_SECONDS = 5.0
# Beside the time that its files may take together: a process that is stopped or cannot be ended.
SLACK_SECONDS = 60.0
# Memory that is shared at least; it grows by doubling.
LEAST_BYTES = 1 << 20
# Memory that is kept from one request to the next.
KEPT_BYTES = 64 << 20

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
# What ends a process by its own timers, of processor time and of the clock.
TIME_LIMITS = (signal.SIGPROF, signal.SIGALRM)
PR_SET_PDEATHSIG = 1


class DecoderFault(RuntimeError):  # noqa: N818 - a fault of the program, and no error of a file
    """What a decoder raised that is no UnusableImage, with its traceback."""


Result = Pixels | UnusableImage | DecoderFault


class IsolatedDecoder:
    """A pool of `workers` processes that run `decoder`, "module:function".

    decoder: (bytes, size) to uint8 [size, size, 3]; raises UnusableImage for a file at fault.
    cpu_seconds: of processor time that one file may take; by the clock wall_seconds, or ten times
    as many. memory_bytes: that a decoder may take beside what its process begins with.
    """

    def __init__(
        self,
        workers: int,
        *,
        decoder: str = "preprocessing:decode",
        cpu_seconds: float = CPU_SECONDS,
        wall_seconds: float | None = None,
        memory_bytes: int = MEMORY_BYTES,
    ) -> None:
        self.workers = workers
        self._limits = _Limits(cpu_seconds, wall_seconds or 10 * cpu_seconds, memory_bytes)
        self._all = [_Worker(decoder, self._limits) for _ in range(workers)]
        self._idle: LifoQueue[_Worker] = LifoQueue()
        self._closed = False
        for worker in self._all:
            worker.start()
            self._idle.put(worker)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Ends the processes; who waits for one gets RuntimeError. May be called again."""
        self._closed = True
        for worker in self._all:
            worker.end()
        handed_back = [self._idle.get() for _ in self._all]
        for worker in handed_back:
            worker.release()
            self._idle.put(worker)

    def decode(self, data: bytes, size: int) -> Pixels:
        """Pixels uint8 [size, size, 3] of one file.

        Raises UnusableImage as the decoder does, and for a file that crashes it or takes too long.
        DecoderFault for any other exception of it; RuntimeError where no process can be started.
        """
        (result,) = self.decode_all([data], size)
        if isinstance(result, Exception):
            raise result
        return result

    def decode_all(self, files: Sequence[bytes], size: int) -> list[Result]:
        """The pixels of each file, or what `decode` would raise for it alone, in their order.

        One process decodes them one after the other. If it crashes, each is tried in a process of
        its own, so that none is blamed for another.
        """
        if size < 1:
            raise ValueError(f"The size must be 1 pixel or more, not {size}.")
        results: list[Result] = []
        while len(results) < len(files):
            waiting = files[len(results) : len(results) + MAXIMUM_BATCH]
            with self._worker() as worker:
                results += self._decoded(worker, waiting, size)
        return results

    def _decoded(self, worker: "_Worker", files: Sequence[bytes], size: int) -> list[Result]:
        finished, ended = worker.run(files, size)
        if ended is None:
            return finished
        if ended in TIME_LIMITS:
            return [*finished, self._too_long()]
        # What it had finished may be wrong too: its memory was not whole.
        return [self._alone(worker, file, size) for file in files]

    def _alone(self, worker: "_Worker", file: bytes, size: int) -> Result:
        finished, ended = worker.run([file], size, alone=True)
        if ended is None:
            return finished[0]
        if ended in TIME_LIMITS:
            return self._too_long()
        name = signal.Signals(ended).name if ended > 0 else f"exit code {-ended}"
        if ended == signal.SIGKILL:
            name += ", as the system does when memory is short"
        return UnusableImage(f"crashes its decoder ({name})", "crashes its decoder")

    def _too_long(self) -> UnusableImage:
        return UnusableImage(
            f"takes its decoder more than {self._limits.cpu_seconds:g} s of processor time or "
            f"{self._limits.wall_seconds:g} s by the clock",
            TOO_LONG,
        )

    @contextmanager
    def _worker(self) -> Iterator["_Worker"]:
        worker = self._idle.get()
        try:
            self._refuse_closed()
            yield worker
        except OSError:
            self._refuse_closed()
            raise
        finally:
            # Another thread may wait for it: no exception leaves it here.
            self._idle.put(worker)
        self._refuse_closed()

    def _refuse_closed(self) -> None:
        if self._closed:
            raise RuntimeError("The decoder is closed.")


@dataclass(frozen=True)
class _Limits:
    """What a decoder may take for one file."""

    cpu_seconds: float
    wall_seconds: float
    memory_bytes: int


class _Worker:
    """A process, memory that it shares with the caller, and a socket for turns."""

    def __init__(self, decoder: str, limits: _Limits) -> None:
        self._decoder = decoder
        self._limits = limits
        self._process: subprocess.Popen[bytes] | None = None
        self._socket: socket.socket | None = None
        self._memory: _Memory | None = None
        self._seconds = 0.0
        self._turn = 0
        self._ready = False
        # Whether it may still be busy with what is not wanted any more.
        self._broken = True

    def start(self) -> None:
        """Starts the process and does not wait until it is ready."""
        self.release()
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self._socket, self._memory, self._seconds = ours, _Memory.new(), 0.0
        memory = self._memory.file
        shared = {"channel": theirs.fileno(), "memory": memory, "decoder": self._decoder}
        facts = json.dumps(shared | {"limits": asdict(self._limits)})
        program = "from preprocessing.isolated import serve; serve()"
        paths = os.pathsep.join(path or str(Path.cwd()) for path in sys.path)
        with theirs:
            self._process = subprocess.Popen(
                [sys.executable, "-P", "-c", program, facts],
                # The library's threads would not be there after a fork.
                env=os.environ | {"PYTHONPATH": paths, "OPENBLAS_NUM_THREADS": "1"},
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                pass_fds=(theirs.fileno(), memory),
            )
        self._turn = 0
        self._ready = self._broken = False

    def end(self) -> None:
        """Ends the process; a call that waits for it gets no answer."""
        process, channel = self._process, self._socket
        if channel is not None:
            with suppress(OSError):
                channel.shutdown(socket.SHUT_RDWR)
        if process is None:
            return
        if not self._broken:
            # It is idle and ends by itself, and its decoder with it.
            with suppress(subprocess.TimeoutExpired):
                process.wait(END_SECONDS)
        process.kill()
        process.wait()

    def release(self) -> None:
        """Ends it and gives back what it held; no call may be waiting."""
        self.end()
        if self._socket is not None:
            self._socket.close()
        if self._memory is not None:
            self._memory.close()
        self._process, self._socket, self._memory, self._broken = None, None, None, True

    def run(
        self, files: Sequence[bytes], size: int, *, alone: bool = False
    ) -> tuple[list[Result], int | None]:
        """The results in their order and None, or those before the decoder died and its signal.

        alone: no other file is decoded in a process that decoded this one.
        """
        if self._broken:
            self.start()
        self._wait_until_ready()
        self._broken = True
        self._turn += 1
        if self._memory is None:
            raise RuntimeError("The decoder is closed.")
        place = TURN.size + len(files) * (SLOT_BYTES + size * size * 3)
        view = self._memory.view(place + sum(map(len, files)))
        for index in range(len(files)):
            SLOT.pack_into(view, TURN.size + index * SLOT_BYTES, WAITING, 0)
        for file in files:
            view[place : place + len(file)] = file
            place += len(file)
        lengths = b"".join(LENGTH.pack(len(file)) for file in files)
        seconds = len(files) * self._limits.wall_seconds + SLACK_SECONDS
        ended = self._ask(REQUEST.pack(self._turn, alone, size) + lengths, seconds)
        results = _results(view, len(files), size)
        if place > KEPT_BYTES:
            self._memory.empty()
        self._broken = ended is None
        if ended is None:
            return results, signal.SIGALRM
        return results, None if ended == 0 and len(results) == len(files) else ended

    def _wait_until_ready(self) -> None:
        if self._ready:
            return
        if self._ask(b"", START_SECONDS) is None and self._process is not None:
            self.end()
            code = self._process.returncode
            self.release()
            raise RuntimeError(
                f"A process to decode images in could not be started (exit code {code}): what it "
                "wrote to the standard error says why."
            )
        self._ready = True

    def _ask(self, message: bytes, seconds: float) -> int | None:
        """What ended the decoder that took up this turn, 0: nothing; None: no answer in time."""
        if self._socket is None:
            return None
        try:
            if seconds != self._seconds:
                # Of the kernel, and not Python's own, which takes two further calls a message.
                whole, rest = int(seconds), int(seconds % 1 * 1e6)
                for option in (socket.SO_SNDTIMEO, socket.SO_RCVTIMEO):
                    limit = struct.pack("@ll", whole, rest)
                    self._socket.setsockopt(socket.SOL_SOCKET, option, limit)
                self._seconds = seconds
            if message:
                self._socket.send(message)
            while answer := self._socket.recv(ANSWER.size):
                turn, ended = ANSWER.unpack(answer)
                if turn == self._turn:
                    return int(ended)
        except (OSError, struct.error):
            return None
        return None


class _Memory:
    """A file in memory, and a view of it that grows. Nobody can make it shorter, which would end
    who looks at what is gone.
    """

    def __init__(self, file: int) -> None:
        self.file = file
        self._map: mmap.mmap | None = None

    @classmethod
    def new(cls) -> Self:
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
        os.close(self.file)


def _results(view: memoryview, count: int, size: int) -> list[Result]:
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
    decoder, limits = getattr(import_module(module), name), _Limits(**facts["limits"])
    memory = _Memory(facts["memory"])
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

    def __init__(self, decoder: Decoder, limits: _Limits, memory: _Memory) -> None:
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
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
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
