"""The .env file of docker-compose.yml, with new secrets: `python -m deploy.compose.environment`. An existing one stays."""

import os
import re
import secrets
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
_EMPTY = re.compile(r"^([A-Z_]+)=$", re.MULTILINE)


def filled(example: str) -> str:
    """The example with a random secret for each name that has no value."""
    return _EMPTY.sub(lambda line: f"{line[1]}={secrets.token_hex(24)}", example)


def write(root: Path) -> bool:
    """Write `root`/.env from `root`/.env.example, readable by its owner alone; False if there is one already."""
    text = filled((root / ".env.example").read_text())
    try:
        handle = os.open(root / ".env", os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        return False
    with os.fdopen(handle, "w") as file:
        file.write(text)
    return True


if __name__ == "__main__":
    written = write(ROOT)
    sys.stdout.write(".env is written; keep a copy of it\n" if written else ".env is there already and stays\n")
