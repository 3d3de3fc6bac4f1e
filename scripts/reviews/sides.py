"""Both sides of a review, with two syntheses at most."""

import hashlib
import json
import tempfile
from collections.abc import Mapping
from contextlib import ExitStack, suppress
from pathlib import Path

from infra.cache import keep
from infra.settings import SettingsError, load
from scripts.deployed.session import aws_session
from scripts.reviews import revision
from scripts.reviews.comparison import Comparison
from scripts.reviews.deployed import deployed
from scripts.reviews.stacks import Stacks, Template
from scripts.reviews.synthesis import synthesis


def compare(
    repository: Path, environment: str, base: str | None, context: Mapping[str, str]
) -> Comparison:
    """What is deployed, or a revision, beside the working tree.

    Args:
        base: a revision of git; without one, what is deployed.

    Raises:
        CommandError: a side can't be had.
    """
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="review-")))
        # Found out first, so that nothing is synthesised in vain.
        commit_id = revision.commit(repository, base) if base else ""
        session = None if base else aws_session()
        ours = stack.enter_context(synthesis(repository, environment, context, folder / "after"))
        if session is not None:
            before = deployed(session, environment)
        else:
            label = revision.named(base or "", commit_id)
            before = Stacks(label, _templates(repository, commit_id, environment, context, folder))
        after = Stacks(revision.working_tree(repository), ours.templates())
    return Comparison(environment, before, after, _region(environment))


def _region(environment: str) -> str | None:
    with suppress(SettingsError):
        return load(environment.partition("-")[0]).region
    return None


def _templates(
    repository: Path,
    commit_id: str,
    environment: str,
    context: Mapping[str, str],
    folder: Path,
) -> dict[str, Template]:
    """A commit's templates, synthesised once and then kept."""
    made_from = json.dumps([commit_id, environment, dict(sorted(context.items()))])
    requirements = (repository / "requirements.txt").read_bytes()
    digest = hashlib.sha256(made_from.encode() + requirements).hexdigest()
    kept = repository / ".rehearsal" / "review" / f"{digest[:32]}.json"
    with suppress(OSError, ValueError):
        found: dict[str, Template] = json.loads(kept.read_text("utf-8"))
        return found
    tree = folder / "base"
    tree.mkdir()
    revision.extract(repository, commit_id, tree)
    # What was validated and written before is not again: the kept files are named by content.
    cache = repository / ".cache"
    if cache.is_dir() and not (tree / ".cache").exists():
        (tree / ".cache").symlink_to(cache)
    with synthesis(tree, environment, context, folder / "before") as started:
        templates = started.templates()
    keep(kept, json.dumps(templates))
    return templates
