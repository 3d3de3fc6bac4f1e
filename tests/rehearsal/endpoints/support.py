"""What the tests of endpoints share: a tiny model server, models, and who asks them."""

from __future__ import annotations

import io
import json
import tarfile
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from rehearsal import aws
from rehearsal.backends import Configuration, DeploymentConfig, Variant
from rehearsal.endpoints.backend import ProcessEndpoints
from rehearsal.errors import ApiError
from rehearsal.settings import RehearsalSettings
from tests.rehearsal.images.support import Recorded

# A model whose name begins with "bad" answers 500; the others do as the body says.
SERVER = """
    import json, os, sys, time
    from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
    from pathlib import Path

    name = Path("/opt/ml/model/name").read_text()
    hung = False

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            while hung:
                time.sleep(1)
            self.answer(200, b"")

        def do_POST(self):
            global hung
            body = self.rfile.read(int(self.headers["content-length"]))
            if body == b"die":
                os._exit(3)
            if body == b"fail":
                return self.answer(418, b"no")
            if body == b"hang":
                hung = True
            if body.startswith(b"sleep "):
                time.sleep(float(body.split()[1]))
            time.sleep(float(os.environ.get("SLOW", "0")))
            if name.startswith("bad"):
                return self.answer(500, b"bad model")
            # In one piece: requests come at once.
            print(f"asked {body.decode(errors='replace')}" + os.linesep, end="", flush=True)
            self.answer(200, json.dumps({
                "model": name,
                "process": os.getpid(),
                "started": started,
                "arguments": sys.argv[1:],
                "type": self.headers["content-type"],
                "body": body.decode(errors="replace"),
                "greeting": os.environ.get("GREETING"),
            }).encode())

        def answer(self, status, body):
            self.send_response(status)
            self.send_header("content-type", "application/json; charset=utf-8")
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_):
            pass

    started = time.time()
    print("serving", name)
    ThreadingHTTPServer(("0.0.0.0", 8080), Handler).serve_forever()
"""


def put_model(settings: RehearsalSettings, bucket: str, name: str, member: str = "name") -> str:
    """Writes an archive with one file that holds `name`, and returns its URI."""
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz") as tar:
        entry = tarfile.TarInfo(member)
        entry.size = len(name)
        tar.addfile(entry, io.BytesIO(name.encode()))
    aws.client(settings, "s3").put_object(
        Bucket=bucket, Key=f"{name}/model.tar.gz", Body=packed.getvalue()
    )
    return f"s3://{bucket}/{name}/model.tar.gz"


def begin(
    endpoints: ProcessEndpoints,
    name: str,
    *variants: Variant,
    deployment: DeploymentConfig | None = None,
    at_baking: Callable[[], object] = lambda: None,
    **more: Any,
) -> Recorded:
    """Starts a deployment of a configuration, which has the name of its first variant's model.

    Args:
        at_baking: is called as each baking period begins.
    """
    recorded = Recorded([])

    def change(fields: dict[str, Any]) -> None:
        before = len(baking(recorded))
        recorded(fields)
        if len(baking(recorded)) > before:
            at_baking()

    model = (variants[0].model_data_url or "").split("/")[-2]
    configuration = Configuration(model, variants, **more)
    endpoints.deploy(name, configuration, deployment or DeploymentConfig(), change)
    return recorded


def ended(recorded: Recorded) -> dict[str, Any]:
    """What a deployment has reported, once it is over."""
    return recorded.wait_for("EndpointStatus", "InService", "Failed")


def deploy(
    endpoints: ProcessEndpoints, name: str, *variants: Variant, **more: Any
) -> dict[str, Any]:
    return ended(begin(endpoints, name, *variants, **more))


def baking(recorded: Recorded) -> list[str]:
    """The messages of all baking periods so far."""
    pending = [change.get("PendingDeploymentSummary") for change in list(recorded.changes)]
    statuses = [each["ProductionVariants"][0]["VariantStatus"][0] for each in pending if each]
    return [each["StatusMessage"] for each in statuses if each["Status"] == "Baking"]


def ask(endpoints: ProcessEndpoints, name: str, body: bytes = b"hi", **headers: str) -> Any:
    status, answered, content = endpoints.invoke(
        name, body, {"content-type": "text/plain"} | headers
    )
    assert status == 200, content
    return json.loads(content) | {"variant": answered["x-amzn-invoked-production-variant"]}


class Load:
    """Clients that ask without a pause; `answers` counts models, `failures` are sentences."""

    def __init__(self, endpoints: ProcessEndpoints, name: str, body: bytes) -> None:
        self.answers: Counter[str] = Counter()
        self.failures: list[str] = []
        self._endpoints, self._name, self._body = endpoints, name, body
        self._enough = threading.Event()
        self._threads = [threading.Thread(target=self._keep_asking) for _ in range(3)]

    def _keep_asking(self) -> None:
        while not self._enough.is_set():
            try:
                status, _, content = self._endpoints.invoke(self._name, self._body, {})
            except ApiError as error:
                self.failures.append(str(error))
                continue
            if status == 200:
                self.answers[json.loads(content)["model"]] += 1
            else:
                self.failures.append(f"{status}: {content!r}")

    def start(self) -> None:
        for thread in self._threads:
            thread.start()

    def end(self) -> None:
        self._enough.set()
        for thread in self._threads:
            thread.join()


@contextmanager
def load(endpoints: ProcessEndpoints, name: str, body: bytes = b"hi") -> Iterator[Load]:
    asking = Load(endpoints, name, body)
    asking.start()
    try:
        yield asking
    finally:
        asking.end()
