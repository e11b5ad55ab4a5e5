"""`python -m streams.replay`: makes, shows, swaps, lists and drops replays; `pulse replay` starts it.

What it does it says on standard output, a JSON object a line: how far it is, and at last what came of it. What is
wrong stands on standard error, in one sentence, with exit code 1.
"""

import argparse
import sys
import time
from typing import Any

from msgspec import Struct, json

from clickhouse.client import Client
from clickhouse.replay import shadow, swap
from clickhouse.replay.difference import report_of
from clickhouse.replay.shadow import Shadow
from pulse import log as logs
from pulse.errors import PulseError
from pulse.replaying.span import Span
from pulse.settings import Settings, load
from streams.replay.run import Replay, demand_no_cluster

ANSWER_S = 6 * 3600
"""A month may take its time to copy."""
TOLD_EACH_S = 0.2


class Teller:
    """Says how far it is, now and then, and at once when something else begins."""

    def __init__(self) -> None:
        self._at = 0.0
        self._what = ""

    def __call__(self, what: str, done: int, of: int) -> None:
        """So much of so much of this is done."""
        now = time.monotonic()
        if what != self._what or now - self._at >= TOLD_EACH_S:
            self._what, self._at = what, now
            say({"what": what, "done": done, "of": of})


def say(what: dict[str, Any] | Struct) -> None:
    """Write a line."""
    sys.stdout.buffer.write(json.encode(what) + b"\n")
    sys.stdout.buffer.flush()


def run(settings: Settings, given: argparse.Namespace) -> None:
    """Do what is asked; raises PulseError."""
    client = Client(settings.clickhouse_url.get_secret_value(), answer_seconds=ANSWER_S)
    if given.do == "make":
        say(Replay(settings, client, Teller()).make(given.name, Span(given.since, given.until, given.site)))
    elif given.do == "list":
        for name in shadow.names(client):
            say(shadow.find(client, name).about)
    else:
        demand_no_cluster(settings)
        _with(given.do, shadow.find(client, given.name))


def _with(do: str, found: Shadow) -> None:
    if do == "show":
        say(report_of(found))
    elif do == "swap":
        swap.swap(found, Teller())
        say(found.about)
    else:
        swap.tidy(found)
        found.drop()
        say(found.about)


def read(words: list[str]) -> argparse.Namespace:
    """What is asked for."""
    parser = argparse.ArgumentParser(prog="python -m streams.replay")
    verbs = parser.add_subparsers(dest="do", required=True)
    make = verbs.add_parser("make")
    make.add_argument("name")
    make.add_argument("since", type=int, help="ms since the epoch")
    make.add_argument("until", type=int, help="ms since the epoch")
    make.add_argument("--site", default="")
    verbs.add_parser("list")
    for verb in ("show", "swap", "drop"):
        verbs.add_parser(verb).add_argument("name")
    return parser.parse_args(words)


def main() -> None:
    """Do what the words say; exit 1 with one sentence if that cannot be."""
    try:
        settings = load()
        logs.configure(settings.log_level)
        run(settings, read(sys.argv[1:]))
    except PulseError as error:
        sys.exit(str(error))
    except KeyboardInterrupt:
        sys.exit("interrupted")


if __name__ == "__main__":
    main()
