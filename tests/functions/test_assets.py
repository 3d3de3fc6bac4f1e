"""What is deployed of each function: its folder and what all share, and nothing that it lacks."""

import subprocess
import sys

IMPORT = """
import importlib, sys
sys.path.insert(0, sys.argv[1])
module, _, name = sys.argv[2].rpartition(".")
assert callable(getattr(importlib.import_module(module), name))
"""


def functions(assembly):
    """Handler -> folder of its code, of all stacks of dev."""
    return {
        resource["Properties"]["Handler"]: assembly.folder
        / f"asset.{resource['Properties']['Code']['S3Key'].removesuffix('.zip')}"
        for template in assembly.templates("dev").values()
        for resource in template["Resources"].values()
        if resource["Type"] == "AWS::Lambda::Function"
    }


def test_each_function_is_deployed_with_all_that_it_imports_and_no_other_functions_code(options):
    deployed = functions(options)
    assert len(deployed) >= 7
    for handler, folder in deployed.items():
        assert {path.name for path in folder.iterdir()} == {"functions"}
        own = {"__init__.py", "shared.py", handler.split(".")[1]}
        assert {path.name for path in (folder / "functions").iterdir()} == own
        # Isolated: nothing of this repository is on its path.
        imported = subprocess.run(
            [sys.executable, "-I", "-B", "-c", IMPORT, folder, handler],
            cwd=folder,
            capture_output=True,
            text=True,
            check=False,
        )
        assert imported.returncode == 0, imported.stderr
