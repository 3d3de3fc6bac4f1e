"""Replaces things of MiniStack's, each only where it is what its replacement was written for."""

import importlib
import inspect
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import partial, update_wrapper
from importlib.metadata import version
from typing import Any


class PatchError(Exception):
    """A patch does not fit the MiniStack that is installed: one sentence, what to do."""


@dataclass(frozen=True)
class Patch:
    """One thing of MiniStack's that is replaced.

    Attributes:
        module: below `ministack`.
        name: in the module; after it, behind slashes, the keys of tables in it, such as
            `SERVICE_HANDLERS/s3`.
        parameters: those of the function that it is, as `parameters` writes them; None, it is no
            function, or a table's entry that need not be there.
        replacement: of a function: is called with it and then with its arguments; of any other
            thing: makes the new one of it.
        importers: further modules that have it under that name.
    """

    module: str
    name: str
    parameters: str | None
    replacement: Callable[..., Any]
    importers: tuple[str, ...] = ()


def apply(patches: Iterable[Patch]) -> None:
    """Replaces one after the other; a thing that stands twice is wrapped twice.

    Raises:
        PatchError: what one wraps is not there, or takes other parameters.
    """
    for patch in patches:
        modules = [
            importlib.import_module(f"ministack.{name}")
            for name in (patch.module, *patch.importers)
        ]
        old = _get(patch, vars(modules[0]))
        if patch.parameters is None:
            new = patch.replacement(old)
        else:
            _check(patch, old)
            # With its signature, which a further row of it finds here.
            new = update_wrapper(partial(patch.replacement, old), old)
        for module in modules:
            _set(vars(module), patch.name.split("/"), new)


def parameters(function: Callable[..., Any]) -> str:
    """The names of a function's parameters, with their stars: `name, *rest, **named`."""
    stars: dict[Any, str] = {
        inspect.Parameter.VAR_POSITIONAL: "*",
        inspect.Parameter.VAR_KEYWORD: "**",
    }
    found = inspect.signature(function).parameters.values()
    return ", ".join(stars.get(each.kind, "") + each.name for each in found)


def _check(patch: Patch, old: Any) -> None:
    if not callable(old):
        kind = type(old).__name__
        raise _misfit(patch, f"has a {kind} there, where ({patch.parameters}) is wrapped")
    own = parameters(old)
    if own != patch.parameters:
        raise _misfit(patch, f"takes ({own}), where ({patch.parameters}) is wrapped")


def _get(patch: Patch, namespace: dict[str, Any]) -> Any:
    *tables, last = patch.name.split("/")
    for name in tables:
        if name not in namespace:
            raise _misfit(patch, "has no such thing")
        namespace = namespace[name]
    # A table may get an entry; a name that a module does not have would never be looked up.
    if last not in namespace and (patch.parameters is not None or not tables):
        raise _misfit(patch, "has no such thing")
    return namespace.get(last)


def _set(namespace: dict[str, Any], names: list[str], value: Any) -> None:
    for name in names[:-1]:
        namespace = namespace[name]
    namespace[names[-1]] = value


def _misfit(patch: Patch, what: str) -> PatchError:
    function = getattr(patch.replacement, "func", patch.replacement)
    return PatchError(
        f"MiniStack {version('ministack')} {what}, in ministack.{patch.module} {patch.name}: "
        f"adapt the patch {function.__qualname__} in rehearsal/ministack/patches.py, or pin the "
        "version before."
    )
