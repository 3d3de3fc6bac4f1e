"""Synthesises one environment of each tree in turn, in one process: its CDK starts only once.

Called with the environment and the folders; prints the templates by unit of each, as JSON.
"""

import json
import os
import sys
from pathlib import Path
from typing import Any

from infra.training.offline import models_read_once


def synthesise(tree: Path, environment: str) -> dict[str, Any]:
    """Templates by unit; the rules that a deployment is validated by are left out."""
    for name in [name for name in sys.modules if name.split(".")[0] == "infra"]:
        if name != "infra.sources":  # It keeps what it has read, which is the same in all trees.
            del sys.modules[name]
    sys.path.insert(0, str(tree))
    os.chdir(tree)
    import aws_cdk as cdk

    from infra.deployment import Deployment
    from infra.settings import load

    context = json.loads((tree / "cdk.json").read_text("utf-8"))["context"]
    app = cdk.App(
        analytics_reporting=False,
        builtin_cloud_formation_validation=False,
        outdir=str(tree / "cdk.out"),
        context={**context, "aws:cdk:enable-path-metadata": True},
    )
    Deployment(app, settings=load(environment))
    made = app.synth()
    sys.path.remove(str(tree))
    stacks = [stack for nested in made.nested_assemblies for stack in nested.nested_assembly.stacks]
    return {
        stack.stack_name.removeprefix(f"shardwise-{environment}-"): stack.template
        for stack in stacks
    }


if __name__ == "__main__":
    told = os.dup(1)
    os.dup2(2, 1)
    sys.dont_write_bytecode = True
    with models_read_once():
        made = [synthesise(Path(tree).resolve(), sys.argv[1]) for tree in sys.argv[2:]]
    with os.fdopen(told, "w", encoding="utf-8") as output:
        json.dump(made, output)
