"""The servers that are measured: how each is started, asked and understood."""

import base64
import json
import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from benchmarks.harness.programs import REPOSITORY
from rehearsal.images.dockerfile import read as read_dockerfile

HERE = Path(__file__).parent
CONTAINERS = REPOSITORY / "containers"
BOUNDARY = "an-image"


@dataclass(frozen=True)
class Call:
    """A request's body and headers."""

    body: bytes
    headers: dict[str, str]


@dataclass(frozen=True)
class Answer:
    """What a server says of an image: probabilities are in the order of the labels."""

    label: str
    probabilities: tuple[float, ...]


def raw(image: bytes) -> Call:
    """An image as the whole body."""
    return Call(image, {"content-type": "image/jpeg"})


def upload(field: str) -> Callable[[bytes], Call]:
    """A form with one file, as browsers and `curl -F` send it."""

    def call(image: bytes) -> Call:
        head = (
            f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="{field}"; filename="image.jpg"'
            "\r\nContent-Type: image/jpeg\r\n\r\n"
        )
        body = head.encode() + image + f"\r\n--{BOUNDARY}--\r\n".encode()
        return Call(body, {"content-type": f"multipart/form-data; boundary={BOUNDARY}"})

    return call


def open_inference(image: bytes) -> Call:
    """The Open Inference Protocol's JSON, a file as base64.

    https://docs.seldon.ai/mlserver/user-guide/content-type
    """
    tensor = {
        "name": "images",
        "datatype": "BYTES",
        "shape": [1, 1],
        "parameters": {"content_type": "base64"},
        "data": [base64.b64encode(image).decode()],
    }
    return Call(json.dumps({"inputs": [tensor]}).encode(), {"content-type": "application/json"})


def read(content: bytes) -> Answer:
    """Our answer's label and probabilities."""
    prediction = json.loads(content)
    return Answer(prediction["label"], tuple(prediction["probabilities"].values()))


def read_first(content: bytes) -> Answer:
    """Of a list of one answer."""
    return read(json.dumps(json.loads(content)[0]).encode())


def read_open_inference(content: bytes) -> Answer:
    """The Open Inference Protocol's two tensors."""
    outputs = {each["name"]: each["data"] for each in json.loads(content)["outputs"]}
    return Answer(outputs["labels"][0], tuple(outputs["probabilities"]))


@dataclass(frozen=True)
class Start:
    """A command, what is in its environment, and where it runs."""

    command: tuple[str, ...]
    variables: dict[str, str]
    folder: Path = REPOSITORY


@dataclass(frozen=True)
class Kind:
    """A server.

    Attributes:
        start: from the environment's `bin` folder, the model's folder and a port.
        ready: the path that says 200 when the server is ready.
        path: where an image is sent.
        settings: how it is set up, in words, beside its version.
        decoding: "ours" (containers/preprocessing) or "pillow".
    """

    name: str
    start: Callable[[Path, Path, int], Start]
    ready: str
    path: str
    call: Callable[[bytes], Call]
    answer: Callable[[bytes], Answer]
    settings: str = ""
    decoding: str = "ours"

    @property
    def package(self) -> str:
        """What its requirements pin, and its folder here."""
        return self.name.partition(",")[0].lower()

    @property
    def requirements(self) -> Path:
        """The folder with `requirements.txt`."""
        return HERE / self.package

    @property
    def tolerance(self) -> float:
        """Of a probability: TensorFlow and OpenVINO round differently, Pillow sees other pixels."""
        return 1e-3 if self.decoding == "ours" else 0.25

    @property
    def version(self) -> str:
        """What its requirements pin."""
        pins = (self.requirements / "requirements.txt").read_text(encoding="utf-8")
        found = re.search(rf"^{self.package}==(\S+)", pins, re.MULTILINE)
        return f"{self.name} {found[1]}" if found else self.name


def _ours(programs: Path, model: Path, port: int) -> Start:
    image = read_dockerfile(CONTAINERS / "inference" / "Dockerfile", {}).environment
    command = (str(programs / "python"), "-m", "inference", "serve", "--model", str(model))
    variables = {name: value for name, value in image.items() if name != "PATH"}
    variables |= {"SAGEMAKER_BIND_TO_PORT": str(port), "PYTHONPATH": str(CONTAINERS)}
    return Start((*command, "--host", "127.0.0.1"), variables, CONTAINERS / "inference")


def _module(name: str) -> Callable[[Path, Path, int], Start]:
    def start(programs: Path, model: Path, port: int) -> Start:
        command = (str(programs / "python"), "-m", f"benchmarks.serving.{name}.server")
        return Start((*command, str(model), str(port)), {"TF_CPP_MIN_LOG_LEVEL": "3"})

    return start


def _mlserver(programs: Path, model: Path, port: int) -> Start:
    variables = {
        "MODEL_FOLDER": str(model),
        "MLSERVER_HTTP_PORT": str(port),
        "MLSERVER_GRPC_PORT": str(port + 1),
        "MLSERVER_METRICS_PORT": str(port + 2),
        "MLSERVER_METRICS_DIR": str(model.parent / "metrics"),
    }
    return Start((str(programs / "mlserver"), "start", str(HERE / "mlserver")), variables)


def _bentoml(programs: Path, model: Path, port: int) -> Start:
    service = "benchmarks.serving.bentoml.service:Classifier"
    where = ("--host", "127.0.0.1", "--port", str(port))
    variables = {
        "MODEL_FOLDER": str(model),
        "BENTOML_HOME": str(model.parent / "bentoml"),
        "BENTOML_DO_NOT_TRACK": "True",
    }
    return Start((str(programs / "bentoml"), "serve", service, *where), variables)


OURS = Kind("ours", _ours, "/ping", "/invocations", raw, read)
KERAS = Kind("Keras", _module("keras"), "/ping", "/predict", raw, read)
OTHERS = (
    Kind(
        "LitServe",
        _module("litserve"),
        "/health",
        "/predict",
        upload("image"),
        read,
        "batches of up to 8 that wait up to 10 ms, one worker",
    ),
    Kind(
        "MLServer",
        _mlserver,
        "/v2/health/ready",
        "/v2/models/classifier/infer",
        open_inference,
        read_open_inference,
        "adaptive batching of up to 8 that wait up to 10 ms, one parallel worker (its default)",
    ),
    Kind(
        "BentoML",
        _bentoml,
        "/readyz",
        "/classify",
        upload("images"),
        read_first,
        "adaptive batching of up to 8, one worker",
    ),
)
# The pictures decoded as their examples do it.
WITH_PILLOW = tuple(
    replace(kind, name=f"{kind.name}, decoding with Pillow", decoding="pillow") for kind in OTHERS
)
BESIDE = (KERAS, *OTHERS, *WITH_PILLOW)
