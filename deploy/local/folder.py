"""The folder a service keeps its data in."""

import shutil
from pathlib import Path

from pulse.errors import PulseError

LEAST_FREE = 512 * 2**20
"""Bytes below which a store should not begin to write."""


def prepare(folder: Path, user: str) -> Path:
    """Make the folder and return its full path; raises PulseError in one sentence if it cannot be written or the disk is full."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        free = shutil.disk_usage(folder).free
    except OSError as error:
        raise PulseError(
            f"{user} cannot use the folder {folder} ({error.strerror}): set PULSE_DATA to a folder that can be written"
        ) from error
    if free < LEAST_FREE:
        raise PulseError(
            f"the disk of {folder} has {free >> 20} MB left and {user} wants {LEAST_FREE >> 20}: "
            "free some, or set PULSE_DATA to a folder on another disk"
        )
    return folder.resolve()
