"""What a line of captured data says that the model answered.

The lines are those of SageMaker's data capture, the answers those of this project's inference
container. https://docs.aws.amazon.com/sagemaker/latest/dg/model-monitor-data-capture-endpoint.html
"""

import base64
import json
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass
class Tally:
    """What was counted of the answers of one model package.

    Attributes:
        labels: answers by the label that they gave.
        of_other_models: answers of other model packages, which are not in `labels`.
        unreadable: lines with no answer in JSON that names its labels and its model package.
    """

    model_package_arn: str
    labels: Counter[str] = field(default_factory=Counter)
    of_other_models: int = 0
    unreadable: int = 0

    @property
    def predictions(self) -> int:
        return self.labels.total()

    def add(self, line: bytes) -> None:
        """Counts the answers of one line, of which a batch has several."""
        try:
            package, labels = _read(line)
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
            self.unreadable += 1
            return
        if package == self.model_package_arn:
            self.labels.update(labels)
        else:
            self.of_other_models += len(labels)


def _read(line: bytes) -> tuple[str, list[str]]:
    output = json.loads(line)["captureData"]["endpointOutput"]
    answer = json.loads(_content(output))
    package = answer["model_package_arn"]
    predictions = answer.get("predictions", [answer])
    labels = [prediction["label"] for prediction in predictions]
    if not isinstance(package, str) or not all(isinstance(label, str) for label in labels):
        raise TypeError(package, labels)
    return package, labels


def _content(output: Mapping[str, Any]) -> str | bytes:
    """The answer's text, in Base64 where the capture was not told that it is JSON."""
    data: str = output["data"]
    return base64.b64decode(data, validate=True) if output["encoding"] == "BASE64" else data
