"""A proxy that refuses, cuts and breaks off some of what it passes on."""

import http.client
import random
import struct
from collections import Counter
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from socket import SO_LINGER, SOL_SOCKET
from threading import Lock
from urllib.parse import urlsplit

from tests.local_server import serving

SLOW_DOWN = (
    b"<Error><Code>SlowDown</Code><Message>Please reduce your request rate.</Message></Error>"
)
FAULTS = ("slow down", "reset", "cut")


@dataclass
class Log:
    """Calls by the fault that they got ("none" too); method and path of each.

    refusals: (S3's code, status) that reading objects gets, by the beginning of "/bucket/key".
    """

    faults: Counter = field(default_factory=Counter)
    requests: list = field(default_factory=list)
    refusals: dict = field(default_factory=dict)

    def refusal(self, method, path):
        found = (self.refusals[start] for start in self.refusals if path.startswith(start))
        return next(found, None) if method in {"GET", "HEAD"} else None


@contextmanager
def throttled(endpoint, share, seed):
    """A proxy of `endpoint`, with one of FAULTS for a `share` of the calls: its URL, and a log."""
    chance, lock, log = random.Random(seed), Lock(), Log()
    target = urlsplit(endpoint).netloc

    class Proxy(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def pass_on(self):
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            with lock:
                fault = chance.choice(FAULTS) if chance.random() < share else "none"
                log.faults[fault] += 1
                log.requests.append((self.command, self.path))
            if refusal := log.refusal(self.command, self.path):
                code, status = refusal
                said = f"<Error><Code>{code}</Code><Message>not today</Message></Error>"
                self.answer(status, {"Content-Type": "application/xml"}, said.encode())
            elif fault == "reset":
                self.reset()
            elif fault == "slow down":
                self.answer(503, {"Content-Type": "application/xml"}, SLOW_DOWN)
            else:
                self.forward(body, fault)

        do_GET = do_HEAD = do_PUT = do_POST = do_DELETE = pass_on  # noqa: N815 - the names that http.server calls

        def forward(self, body, fault):
            connection = http.client.HTTPConnection(target, timeout=60)
            connection.request(self.command, self.path, body, dict(self.headers))
            answer = connection.getresponse()
            content, headers = answer.read(), dict(answer.headers)
            connection.close()
            self.answer(answer.status, headers, content, cut=fault == "cut")

        def answer(self, status, headers, content, cut=False):
            self.send_response_only(status)
            for name, value in headers.items():
                if name.lower() not in ("transfer-encoding", "content-length", "connection"):
                    self.send_header(name, value)
            length = headers.get("Content-Length", len(content))
            self.send_header("Content-Length", str(length))
            self.end_headers()
            if self.command == "HEAD":
                return
            self.wfile.write(content[: len(content) // 2] if cut else content)
            if cut and content:
                self.reset()

        def reset(self):
            self.wfile.flush()
            self.connection.setsockopt(SOL_SOCKET, SO_LINGER, struct.pack("ii", 1, 0))
            self.connection.close()
            self.close_connection = True

        def log_message(self, *_):
            """Says nothing."""

    with serving(Proxy) as url:
        yield url, log
