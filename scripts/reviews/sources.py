"""Where the two sides come from: CloudFormation, a revision of git, the working tree."""

import json
import re
import subprocess
import tarfile
import tempfile
import tomllib
from collections.abc import Mapping
from contextlib import ExitStack, suppress
from dataclasses import asdict, dataclass
from functools import reduce
from pathlib import Path
from typing import Any

import boto3

from infra.cache import digest, keep, read
from infra.settings import SettingsError, load
from infra.settings.errors import schemas
from scripts.console import CommandError
from scripts.deployed.session import aws_session
from scripts.reviews.comparison import Comparison
from scripts.reviews.stacks import Stacks, Template
from scripts.reviews.synthesis import Synthesis, UnknownSettingError, synthesis

_SHORT = 7
_KEPT_FORMAT = 3  # of a commit's templates in .rehearsal/review
# Of these a name is left and no resource.
_NOT_THERE = ("REVIEW_IN_PROGRESS", "ROLLBACK_COMPLETE", "DELETE_COMPLETE")


@dataclass(frozen=True)
class _Request:
    repository: Path
    environment: str
    context: Mapping[str, str]
    folder: Path


def compare(
    repository: Path, environment: str, base: str | None, context: Mapping[str, str]
) -> Comparison:
    """What is deployed, or a revision, beside the working tree; two syntheses at most.

    Args:
        environment: e.g. `dev`, or `dev-anna` with a qualifier.
        base: a revision of git; without one, what is deployed.
        context: CDK context by key, for both trees. A setting that the revision does not take so
            is set in its environment's file, one that it does not have is left out there.

    Raises:
        CommandError: a side can't be had.
    """
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="review-")))
        request = _Request(repository, environment, context, folder)
        # Looked up first, so that nothing is synthesised in vain.
        commit_id = _commit(repository, base) if base else ""
        session = None if base else aws_session()
        label = _working_tree(repository)
        ours = stack.enter_context(
            synthesis(repository, environment, context, folder / "after", label)
        )
        if session is not None:
            before = deployed(session, environment)
        else:
            before = _revision(request, base or "", commit_id, ours)
        after = Stacks(label, ours.templates())
    return Comparison(environment, before, after, _region(environment))


def _region(environment: str) -> str | None:
    with suppress(SettingsError):
        return load(environment.partition("-")[0]).region
    return None


def deployed(session: boto3.Session, environment: str) -> Stacks:
    """The environment's stacks with their parameters' values; CommandError where one is no JSON."""
    client = session.client("cloudformation")
    # A unit has no dash, so that those of dev-anna are not dev's.
    ours = re.compile(rf"shardwise-{re.escape(environment)}-([a-z]+)")
    templates: dict[str, Template] = {}
    parameters: dict[str, dict[str, str]] = {}
    for stack in client.get_paginator("describe_stacks").paginate().search("Stacks[]"):
        name = ours.fullmatch(stack["StackName"])
        if name is not None and stack["StackStatus"] not in _NOT_THERE:
            body = client.get_template(StackName=stack["StackName"])["TemplateBody"]
            templates[name[1]] = _template(stack["StackName"], body)
            parameters[name[1]] = {
                parameter["ParameterKey"]: parameter.get("ParameterValue", "")
                for parameter in stack.get("Parameters", [])
            }
    label = "what is deployed" if templates else "nothing: no stack is deployed"
    return Stacks(label, templates, parameters)


def _template(name: str, body: Any) -> Template:
    try:
        # boto3 reads JSON by itself where CloudFormation says that it is.
        return dict(json.loads(body) if isinstance(body, str) else body)
    except ValueError as error:
        raise CommandError(
            f"The template of the stack {name} is no JSON, as the CDK writes it: deploy it by "
            "./scripts/cdk deploy first."
        ) from error


def _revision(request: _Request, base: str, commit_id: str, ours: Synthesis) -> Stacks:
    """A commit's stacks, synthesised once and then kept."""
    repository = request.repository
    short = commit_id[:_SHORT]
    label = short if commit_id.startswith(base) else f"{base} ({short})"
    context = dict(sorted(request.context.items()))
    made_from = json.dumps([_KEPT_FORMAT, commit_id, request.environment, context])
    file = repository / ".rehearsal" / "review" / f"{digest(made_from)}.json"
    if (kept := read(file)) is not None:
        content = json.loads(kept)
        return Stacks(label, content["templates"], {}, tuple(content["unknown_settings"]))
    tree = request.folder / "base"
    tree.mkdir()
    _extract(repository, commit_id, tree)
    # What was validated and written before is not again: the kept files are named by content.
    cache = repository / ".cache"
    if cache.is_dir() and not (tree / ".cache").exists():
        (tree / ".cache").symlink_to(cache)
    stacks = _synthesised(request, tree, label, ours)
    keep(file, json.dumps(asdict(stacks)))
    return stacks


def _synthesised(request: _Request, tree: Path, label: str, ours: Synthesis) -> Stacks:
    """A revision's stacks, with the settings that its command line, or its file, takes."""
    context, in_file = dict(request.context), dict[str, Any]()
    unknown: list[str] = []
    while True:
        out = request.folder / f"before-{len(context)}-{len(in_file)}"
        try:
            with synthesis(tree, request.environment, context, out, label) as started:
                return Stacks(label, started.templates(), {}, tuple(unknown))
        except UnknownSettingError as error:
            ours.templates()  # What neither tree knows is refused by the working tree.
            if error.key in context:
                settings = load(request.environment, request.context)
                names = sorted(request.context.keys() & schemas().keys())
                # Of the types that they have here.
                in_file = {name: reduce(getattr, name.split("."), settings) for name in names}
                context = {key: value for key, value in context.items() if key not in in_file}
            refused = [key for key in in_file if f"{key}.".startswith(f"{error.key}.")]
            if error.is_in_file:
                unknown += refused
                in_file = {key: value for key, value in in_file.items() if key not in refused}
            if not refused:
                raise
            _set(tree, request.environment, in_file)


def _set(tree: Path, environment: str, settings: Mapping[str, Any]) -> None:
    """Writes settings into the file of an extracted revision's environment, None as its default."""
    kept = tree / "infra" / "environments" / f"{environment.partition('-')[0]}.toml"
    original = kept.with_suffix(".original")
    if not original.exists():
        try:
            kept.rename(original)
        except OSError as error:
            raise CommandError(
                f"The revision has no {kept.relative_to(tree)}, where its settings are: name "
                "another one, or leave -c out."
            ) from error
    values: dict[str, Any] = tomllib.loads(original.read_text("utf-8-sig"))
    for name, value in settings.items():
        section, _, field = name.rpartition(".")
        table = values.setdefault(section, {}) if section else values
        table[field] = value
    kept.write_text(
        "".join(f"{key} = {_toml(value)}\n" for key, value in values.items() if value is not None),
        "utf-8",
    )


def _toml(value: Any) -> str:
    """A value on one line; JSON's numbers, texts, true and false are TOML's too."""
    if isinstance(value, Mapping):
        pairs = (
            f"{json.dumps(key)} = {_toml(part)}" for key, part in value.items() if part is not None
        )
        return f"{{{', '.join(pairs)}}}"
    if isinstance(value, list | tuple):
        return f"[{', '.join(map(_toml, value))}]"
    return json.dumps(value, ensure_ascii=False)


def _commit(repository: Path, revision: str) -> str:
    """The full id of a commit; CommandError where there is none of that name."""
    commit_id = _resolved(repository, revision)
    if commit_id is None:
        raise CommandError(
            f"There is no revision {revision!r} in {repository}: {_advice(repository, revision)}."
        )
    return commit_id


def _resolved(repository: Path, revision: str) -> str | None:
    named = f"{revision}^{{commit}}"
    ended = _git(repository, "rev-parse", "--verify", "--quiet", "--end-of-options", named)
    return ended.stdout.decode().strip() if ended.returncode == 0 else None


def _advice(repository: Path, revision: str) -> str:
    if _resolved(repository, f"origin/{revision}"):
        return f"name origin/{revision}, which is there"
    if _git(repository, "rev-parse", "--is-shallow-repository").stdout.strip() == b"true":
        return (
            f"this clone is shallow, run git fetch --depth 1 origin {revision} and name FETCH_HEAD"
        )
    return "name a branch, a tag or a commit"


def _extract(repository: Path, commit_id: str, folder: Path) -> None:
    """Writes a commit's files into a folder; the working tree and the index stay as they are."""
    archive = folder / ".archive.tar"
    ended = _git(repository, "archive", "--format=tar", f"--output={archive}", commit_id)
    if ended.returncode != 0:
        reason = ended.stderr.decode(errors="replace").strip()
        raise CommandError(f"git does not give the files of {commit_id[:_SHORT]}: {reason}.")
    with tarfile.open(archive) as files:
        files.extractall(folder, filter="data")
    archive.unlink()


def _working_tree(repository: Path) -> str:
    """What the working tree is, e.g. `the working tree (1a2b3c4, with changes)`."""
    head = _git(repository, "rev-parse", "--verify", "--quiet", "HEAD")
    if head.returncode != 0:
        return "the working tree"
    is_dirty = bool(_git(repository, "status", "--porcelain").stdout.strip())
    commit_id = head.stdout.decode()[:_SHORT]
    return f"the working tree ({commit_id}{', with changes' if is_dirty else ''})"


def _git(repository: Path, *arguments: str) -> subprocess.CompletedProcess[bytes]:
    try:
        return subprocess.run(
            ["git", "-C", str(repository), *arguments], capture_output=True, check=False
        )
    except FileNotFoundError as error:
        raise CommandError("git is not on PATH: install it.") from error
