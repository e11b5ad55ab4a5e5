"""The processes' log files: they do not fill the disk."""

import shutil
from pathlib import Path

MOST_BYTES = 50 * 1024 * 1024


def trim(log: Path, most: int = MOST_BYTES) -> bool:
    """Move what a log holds to `NAME.1` once it is larger than `most` bytes; whether that was so.

    The process keeps the file open and appends to it, so it is emptied, not renamed.
    """
    if not log.is_file() or log.stat().st_size <= most:
        return False
    shutil.copyfile(log, log.with_name(f"{log.name}.1"))
    with log.open("r+b") as file:
        file.truncate()
    return True
