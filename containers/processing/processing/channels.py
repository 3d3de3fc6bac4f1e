"""The channels' names, as in the job definitions."""

from typing import Literal, get_args

Channel = Literal["train", "validation", "test"]
CHANNELS: tuple[Channel, ...] = get_args(Channel)
