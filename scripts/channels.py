"""The channels that a dataset is split into."""

CHANNELS = ("train", "validation", "test")
