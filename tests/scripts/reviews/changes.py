"""The ten changes that a review is judged by, as edits of the sources."""

import shutil
from dataclasses import dataclass
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[3]


@dataclass(frozen=True)
class Edit:
    """One passage of a file that becomes another one."""

    file: str
    old: str
    new: str


CHANGES: dict[str, tuple[Edit, ...]] = {
    "nothing": (),
    "bucket removed": (
        Edit(
            "infra/data/stack.py",
            'self._bucket("AccessLogs", expire_days=data.access_log_days)',
            "None",
        ),
        Edit("infra/data/stack.py", "                self.access_logs,\n", ""),
        # The others stay as they were without a place for their logs.
        Edit("infra/data/stack.py", "resists=logs is None", "resists=False"),
    ),
    "role widened": (
        Edit(
            "infra/deployment.py",
            "        grants.write_objects(role, data.artifacts, MODELS)\n",
            "        grants.write_objects(role, data.artifacts, MODELS)\n"
            "        grants.read_objects(role, data.artifacts, MODELS)\n",
        ),
    ),
    "instance type doubled": (
        Edit("infra/settings/pipeline.py", '"ml.c5.2xlarge"', '"ml.c5.4xlarge"'),
    ),
    "step added": (
        Edit(
            "infra/training/definition.py",
            "    serving = fetch_serving_model(wiring)\n",
            "    serving = fetch_serving_model(wiring)\n"
            "    challenger = fetch_serving_model(wiring)\n"
            '    challenger.name = "FetchChallenger"\n',
        ),
        Edit("infra/training/definition.py", "steps=[manifests,", "steps=[manifests, challenger,"),
    ),
    "image changed": (
        Edit("containers/processing/processing/common/arguments.py", '"""\n', '"""\n\nLIMIT = 1\n'),
    ),
    "comment only": (
        Edit(
            "infra/data/stack.py",
            "        data = settings.data\n",
            "        # Why.\n        data = (settings.data)\n",
        ),
        Edit("infra/environments/dev.toml", "[data]\n", "# A remark.\n[data]\n"),
    ),
    "comment in an image": (
        Edit("containers/processing/processing/common/arguments.py", '"""\n', '"""\n\n# Why.\n'),
    ),
    "parameter renamed": (
        Edit(
            "infra/training/parameters.py",
            "kind(camel_case,",
            'kind("TrainingEpochs" if name == "epochs" else camel_case,',
        ),
    ),
    "key rotated": (Edit("infra/data/stack.py", '"VolumeKey"', '"VolumeKey2"'),),
    "endpoint renamed": (
        Edit(
            "infra/serving/endpoint.py",
            "endpoint_name=self._environment.name",
            'endpoint_name=f"{self._environment.name}-blue"',
        ),
        Edit(
            "infra/serving/endpoint.py",
            '"endpoint", settings.name',
            '"endpoint", f"{settings.name}-blue"',
        ),
        Edit(
            "infra/serving/logs.py", "Endpoints/{settings.name}", "Endpoints/{settings.name}-blue"
        ),
    ),
    "retention shortened": (Edit("infra/environments/dev.toml", "log_days = 14", "log_days = 7"),),
}


def make_tree(folder: Path, edits: tuple[Edit, ...]) -> Path:
    """A copy of all that a synthesis reads, with the edits in it.

    Raises:
        AssertionError: a passage is not there, or not once.
    """
    ignored = shutil.ignore_patterns("__pycache__", "tests", ".*")
    for name in ("infra", "functions", "containers"):
        shutil.copytree(REPOSITORY / name, folder / name, ignore=ignored)
    for name in ("app.py", "cdk.json"):
        shutil.copy(REPOSITORY / name, folder / name)
    for edit in edits:
        file = folder / edit.file
        text = file.read_text("utf-8")
        assert edit.old in text, f"{edit.file} has no {edit.old!r} any more: change the edit"
        file.write_text(text.replace(edit.old, edit.new, 1), "utf-8")
    return folder
