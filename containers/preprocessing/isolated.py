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

import json
import os
import signal
import socket
import struct
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import asdict
from pathlib import Path
from queue import LifoQueue
from typing import Self

from preprocessing.decoder_process import (
    ANSWER,
    LENGTH,
    MAXIMUM_BATCH,
    REQUEST,
    Limits,
    Memory,
    Pixels,
    Result,
    read_results,
    write_request,
)
from preprocessing.unusable import UnusableImage

# The kind of a file that overdraws its time.
TOO_LONG = "takes too long to decode"
CPU_SECONDS = 20.0
MEMORY_BYTES = 4 << 30
# A worker that has not said that it is ready by then never will.
START_SECONDS = 120.0
END_SECONDS = 5.0
# Beside the time that its files may take together: a process that is stopped or cannot be ended.
SLACK_SECONDS = 60.0
# Memory that is kept from one request to the next.
KEPT_BYTES = 64 << 20
# What ends a process by its own timers, of processor time and of the clock.
TIME_LIMITS = (signal.SIGPROF, signal.SIGALRM)


class IsolatedDecoder:
    """A pool of `workers` processes that run `decoder`, "module:function".

    Args:
        decoder: (bytes, size) to uint8 [size, size, 3]; raises UnusableImage for a file at fault.
        cpu_seconds: of processor time that one file may take; by the clock wall_seconds, or ten
            times as many.
        memory_bytes: that a decoder may take beside what its process begins with.
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
        self._limits = Limits(cpu_seconds, wall_seconds or 10 * cpu_seconds, memory_bytes)
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

        Raises:
            UnusableImage: as the decoder does, and for a file that crashes it or takes too long.
            DecoderFault: any other exception of the decoder.
            RuntimeError: no process can be started, or the decoder is closed.
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


class _Worker:
    """A process, memory that it shares with the caller, and a socket for turns."""

    def __init__(self, decoder: str, limits: Limits) -> None:
        self._decoder = decoder
        self._limits = limits
        self._process: subprocess.Popen[bytes] | None = None
        self._socket: socket.socket | None = None
        self._memory: Memory | None = None
        self._seconds = 0.0
        self._turn = 0
        self._ready = False
        # Whether it may still be busy with what is not wanted any more.
        self._broken = True

    def start(self) -> None:
        """Starts the process and does not wait until it is ready."""
        self.release()
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self._socket, self._memory, self._seconds = ours, Memory.new(), 0.0
        memory = self._memory.file
        shared = {"channel": theirs.fileno(), "memory": memory, "decoder": self._decoder}
        facts = json.dumps(shared | {"limits": asdict(self._limits)})
        program = "from preprocessing.decoder_process import serve; serve()"
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

        Alone: no other file is decoded in a process that decoded this one.
        """
        if self._broken:
            self.start()
        self._wait_until_ready()
        self._broken = True
        self._turn += 1
        if self._memory is None:
            raise RuntimeError("The decoder is closed.")
        view, used = write_request(self._memory, files, size)
        lengths = b"".join(LENGTH.pack(len(file)) for file in files)
        seconds = len(files) * self._limits.wall_seconds + SLACK_SECONDS
        ended = self._ask(REQUEST.pack(self._turn, alone, size) + lengths, seconds)
        results = read_results(view, len(files), size)
        if used > KEPT_BYTES:
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
