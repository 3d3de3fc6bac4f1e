import sys
from pathlib import Path

import pytest

# The tests' own helpers.
sys.path.insert(0, str(Path(__file__).parent))
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

LONG = {"test_resuming.py", "test_training_jobs.py", "test_evaluate_model.py"}


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    # A long file that a worker of pytest-xdist got last would be waited for by all others.
    items.sort(key=lambda item: item.path.name not in LONG)
