"""Clients that ask the endpoint all the time, and remember every answer."""

from __future__ import annotations

import json
import threading
import time
from dataclasses import dataclass, field
from typing import Any

from botocore.exceptions import ClientError

CLIENTS = 3
PAUSE_SECONDS = 0.2


@dataclass(frozen=True)
class Answer:
    """One request's end; `failure` is None where the endpoint answered."""

    asked: int
    seconds: float
    label: str | None = None
    model_package_arn: str | None = None
    failure: str | None = None


@dataclass
class Load:
    """Asks about `images` in turn until the block ends.

    A client waits for its answer, so that a slow endpoint is asked less often.
    """

    runtime: Any
    endpoint: str
    images: list[bytes]
    answers: list[Answer] = field(default_factory=list)
    _over: threading.Event = field(default_factory=threading.Event)
    _threads: list[threading.Thread] = field(default_factory=list)

    def __enter__(self) -> Load:
        self._threads = [
            threading.Thread(target=self._ask_on, args=(first,)) for first in range(CLIENTS)
        ]
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        for thread in self._threads:
            thread.join()

    def _ask_on(self, first: int) -> None:
        asked = first
        while not self._over.is_set():
            self.answers.append(self.ask(asked % len(self.images)))
            asked += CLIENTS
            self._over.wait(PAUSE_SECONDS)

    def ask(self, index: int) -> Answer:
        began = time.monotonic()
        try:
            answered = self.runtime.invoke_endpoint(
                EndpointName=self.endpoint, ContentType="image/jpeg", Body=self.images[index]
            )
            said = json.loads(answered["Body"].read())
        except ClientError as error:
            return Answer(index, time.monotonic() - began, failure=str(error))
        return Answer(index, time.monotonic() - began, said["label"], said["model_package_arn"])
