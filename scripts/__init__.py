"""What people type."""

from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[1]

CHANNELS = ("train", "validation", "test")
"""What a dataset is split into."""
