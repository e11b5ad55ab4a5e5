"""The folder in which downloads are kept between runs."""

import os
from pathlib import Path

from pulse.settings import load


def folder() -> Path:
    """PULSE_CACHE, else ~/.cache/pulse, else (where the home cannot be written) a folder with Pulse's data."""
    settings = load()
    candidates = [settings.cache] if settings.cache else [Path.home() / ".cache" / "pulse", settings.data / "cache"]
    for candidate in candidates[:-1]:
        if _usable(candidate):
            return candidate
    candidates[-1].mkdir(parents=True, exist_ok=True)
    return candidates[-1]


def _usable(candidate: Path) -> bool:
    try:
        candidate.mkdir(parents=True, exist_ok=True)
    except OSError:
        return False
    return os.access(candidate, os.W_OK)
