"""What is printed of an object: every model that was trained, validated or tested on it."""

import hashlib
import json
import re
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from urllib.parse import parse_qs

from rich.console import Console

from rehearsal.s3_uri import S3Uri
from scripts.console import CommandError, shown
from scripts.lineages.answers import Sources, object_uri
from scripts.lineages.models import Model
from scripts.lineages.store import Lineage, in_parallel

# The exit status where no model saw the content.
NONE = 3


@dataclass(frozen=True)
class Use:
    """A content in one execution's dataset.

    Attributes:
        names: addresses of the objects that held it, copies under other names too.
        not_used: of them, those that were put aside and made no record.
        models: that the execution made; none where it failed before.
    """

    execution_id: str
    sha256: str
    channel: str
    names: list[str]
    not_used: list[str]
    models: list[Model]


@dataclass(frozen=True)
class Content:
    """A content by an object's `s3://<bucket>/<key>[?versionId=<id>]`, hex digest, or a file."""

    uri: str | None = None
    sha256: str | None = None
    file: Path | None = None


def print_object(sources: Sources, content: Content, console: Console, *, as_json: bool) -> int:
    """Prints every model that was trained, validated or tested on a content; NONE if none was."""
    lineages = sources.store.lineages()
    digests = _digests(sources, content, lineages)
    uses = _with_models(sources, _uses(sources, lineages, digests))
    status = 0 if any(_made_models(use) for use in uses) else NONE
    if as_json:
        answer = {
            "sha256": sorted(digest.hex() for digest in digests),
            "uses": [asdict(use) for use in uses],
        }
        console.print(json.dumps(answer, ensure_ascii=False))
        return status
    for digest in sorted(digests):
        console.print(f"Content {digest.hex()}")
    for use in uses:
        _print_use(use, console)
    if status == NONE:
        console.print("No model was trained, validated or tested on it.")
    return status


def _digests(sources: Sources, content: Content, lineages: list[Lineage]) -> set[bytes]:
    if content.sha256 is not None:
        if not re.fullmatch("[0-9a-fA-F]{64}", content.sha256):
            raise CommandError(
                f'"{content.sha256}" is no SHA-256: it has 64 digits from 0 to 9 and a to f.'
            )
        return {bytes.fromhex(content.sha256)}
    if content.file is not None:
        try:
            with content.file.open("rb") as file:
                return {hashlib.file_digest(file, "sha256").digest()}
        except OSError as error:
            raise CommandError(f"{content.file} cannot be read: {error.strerror}.") from error
    assert content.uri is not None  # noqa: S101 - one of the three is given
    key, version_id = _parse(sources, content.uri)
    tables = in_parallel(lambda run: sources.store.rows_of_key(run, key, version_id), lineages)
    return {digest for table in tables for digest in table["sha256"].to_pylist()}


def _parse(sources: Sources, uri: str) -> tuple[str, str | None]:
    address, _, query = uri.partition("?versionId=")
    try:
        place = S3Uri.parse(address)
    except ValueError:
        place = S3Uri("", "")
    if not place.key:
        raise CommandError(f'"{uri}" is no address of an object: write s3://<bucket>/<key>.')
    if place.bucket != sources.drops_bucket:
        raise CommandError(
            f"The bucket {place.bucket} is not the drops bucket of {sources.environment}, which is "
            f"{sources.drops_bucket}: give --environment, or an object of that bucket."
        )
    return place.key, parse_qs(f"v={query}")["v"][0] if query else None


def _uses(sources: Sources, lineages: list[Lineage], digests: set[bytes]) -> list[Use]:
    def look_into(lineage: Lineage) -> list[Use]:
        contents = sources.store.contents(lineage, digests)
        if not contents:
            return []
        quarantined = sources.store.quarantined(lineage)
        found = []
        for digest, content in sorted(contents.items()):
            rows = sources.store.rows(lineage, content.rows)
            aside = [row for row in rows if lineage.entry(row["key"]) in quarantined]
            names, not_used = (
                [object_uri(lineage.drops_bucket, row["key"], row["version_id"]) for row in some]
                for some in (rows, aside)
            )
            use = Use(lineage.execution_id, digest.hex(), content.channel, names, not_used, [])
            found.append(use)
        return found

    return [use for uses in in_parallel(look_into, lineages) for use in uses]


def _with_models(sources: Sources, uses: list[Use]) -> list[Use]:
    if not uses:
        return []
    registered = sources.models.by_execution()
    others = {use.execution_id for use in uses} - registered.keys()
    models = registered | (sources.models.unregistered(others) if others else {})
    return [replace(use, models=models.get(use.execution_id, [])) for use in uses]


def _made_models(use: Use) -> bool:
    return bool(use.models) and len(use.not_used) < len(use.names)


def _print_use(use: Use, console: Console) -> None:
    verb = {"train": "trained", "validation": "validated", "test": "tested"}[use.channel]
    console.print(f"Execution {use.execution_id}, channel {use.channel}")
    for name in use.names:
        aside = " (could not be used: it made no record)" if name in use.not_used else ""
        console.print(f"  {shown(name)}{aside}")
    if not use.models:
        console.print("  no model came of it")
    for model in use.models:
        served = ", served by the endpoint" if model.served else ""
        done = verb if _made_models(use) else "made without it"
        console.print(f"  {done}: {model.name} ({model.status}{served})")
