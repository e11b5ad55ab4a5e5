"""An access log of 10,000 requests: a real one where PULSE_ACCESS_LOG names it, else one that is made."""

import gzip
import os
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random

LINES = 10_000
AGENTS = (
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/138.0.0.0 Safari/537.36",
    "Mozilla/5.0 (iPhone; CPU iPhone OS 18_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.5 Mobile/15E148 Safari/604.1",
    "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)",
    r"an \"agent\" that was quoted",
    "-",
)
REFERRERS = ("-", "https://www.google.com/", "https://www.example.org/", r"http://\xe4\xe5\xe3.example/")
STATUSES = ("200",) * 90 + ("304",) * 5 + ("404", "301", "206", "500", "416")


def write(folder: Path) -> Path:
    """The log as a .gz file in `folder`, or the one that the environment names."""
    given = os.environ.get("PULSE_ACCESS_LOG")
    if given:
        return Path(given)
    path = folder / "access.log.gz"
    path.write_bytes(gzip.compress("".join(made()).encode()))
    return path


def made() -> list[str]:
    """The lines of four days, some of them the same."""
    random = Random(2015)
    begin = datetime(2015, 5, 17, 10, 5, tzinfo=UTC)
    lines: list[str] = []
    while len(lines) < LINES:
        at = begin + timedelta(seconds=len(lines) * 30)
        lines += [_line(random, at)] * random.choice((1,) * 40 + (2, 3))
    lines[LINES // 2] = lines[LINES // 2].rstrip('"\n') + "\n"
    return lines[:LINES]


def _line(random: Random, at: datetime) -> str:
    client = f"198.51.{random.randrange(100, 104)}.{random.randrange(1, 255)}"
    request = f"{random.choice(('GET',) * 20 + ('HEAD', 'POST'))} /page/{random.randrange(300)}?q={random.randrange(9)} HTTP/1.1"
    size = random.choice(("-", str(random.randrange(90_000))))
    agent, referrer, status = random.choice(AGENTS), random.choice(REFERRERS), random.choice(STATUSES)
    return f'{client} - - [{at:%d/%b/%Y:%H:%M:%S} +0000] "{request}" {status} {size} "{referrer}" "{agent}"\n'
