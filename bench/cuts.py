"""Clients of the live view that are cut off again and again, and go on: every event once, those of a visitor in their order.

`python -m bench cuts [--clients 4] [--cuts 100] [--away 30] [--rate 100]`. Each is connected for up to `--stays` seconds, then hangs up
without a word, and is away for up to `--away` seconds; halfway the live view itself is ended and started. Ends with 1 if a client
was told of a gap, or saw something twice, not at all, or in another order.
"""

import argparse
import random
import sys
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from socket import SHUT_RDWR
from threading import Event, Thread
from typing import Any

from msgspec import Struct, json
from websockets.exceptions import WebSocketException

from bench.evidence import begin
from tests import services
from tests.living import Line, Living, line, living, received

VISITORS = 7
LAST_S = 60


class Seen(Struct):
    """What one client saw, and how long it was away in all, and at most."""

    events: list[tuple[str, str]] = []
    gaps: int = 0
    cuts: int = 0
    away_s: float = 0.0
    longest_s: float = 0.0


class Judged(Struct):
    """How many events a client saw of those sent; how many twice, how many never, and of how many visitors the order is another."""

    sent: int
    seen: int
    twice: int
    never: int
    disordered: int
    gaps: int
    cuts: int
    away_s: float
    longest_s: float

    @property
    def is_exact(self) -> bool:
        """Whether everything came once and in order."""
        return not (self.twice or self.never or self.disordered or self.gaps)


def main(words: list[str]) -> int:
    """Measure; 1 if a client did not see everything once and in order."""
    asked = asked_of(words)
    evidence = begin("cuts", asked)
    with tempfile.TemporaryDirectory() as folder:
        broker = services.embedded_kafka(Path(folder) / "kafka")
        broker.start()
        try:
            with living(broker.url, Path(folder)) as live:
                found = _measured(live, asked)
        finally:
            broker.stop()
    evidence.raw("clients", found)
    for each in found:
        print(
            f"{each.cuts} cuts, away for {each.away_s:.0f} s in all, {each.longest_s:.1f} s at most: {each.seen:,} of {each.sent:,} events,"
            f" {each.twice} twice, {each.never} never, {each.disordered} visitors out of order, {each.gaps} gaps"
        )
    print(f"evidence: {evidence.folder.name}")
    return 0 if all(each.is_exact for each in found) else 1


def asked_of(words: list[str]) -> argparse.Namespace:
    """What is asked for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--clients", type=int, default=4)
    parser.add_argument("--cuts", type=int, default=100, help="of each client")
    parser.add_argument("--away", type=float, default=30, help="seconds at most")
    parser.add_argument("--stays", type=float, default=1, help="seconds at most")
    parser.add_argument("--rate", type=float, default=100, help="events a second")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--label", default="", help="added to the evidence's name")
    return parser.parse_args(words)


def judged(sent: list[tuple[str, str]], seen: Seen) -> Judged:
    """What a client saw, against what was sent: visitors and ids of events."""
    ids = [each for _, each in seen.events]
    visitors = {visitor for visitor, _ in sent}
    return Judged(
        sent=len(sent),
        seen=len(ids),
        twice=len(ids) - len(set(ids)),
        never=len({each for _, each in sent} - set(ids)),
        disordered=sum(_of(visitor, sent) != _of(visitor, seen.events) for visitor in visitors),
        gaps=seen.gaps,
        cuts=seen.cuts,
        away_s=seen.away_s,
        longest_s=seen.longest_s,
    )


def _of(visitor: str, events: list[tuple[str, str]]) -> list[str]:
    return [each for who, each in events if who == visitor]


def _measured(live: Living, asked: argparse.Namespace) -> list[Judged]:
    sent: list[tuple[str, str]] = []
    ended = Event()
    with live.socket("show=events") as socket:
        first = received(socket, "hello")["id"]
    sending = Thread(target=_send, args=(live, asked.rate, sent, ended))
    sending.start()
    try:
        with ThreadPoolExecutor(asked.clients) as pool:
            followed = [pool.submit(_cut, live, first, asked, number) for number in range(asked.clients)]
            time.sleep(asked.cuts * (asked.away + asked.stays) / 4)
            live.stop()
            live.start()
            places = [each.result() for each in followed]
    finally:
        ended.set()
        sending.join()
    return [judged(sent, _caught_up(live, seen, last_id, len(sent))) for seen, last_id in places]


def _cut(live: Living, last_id: str, asked: argparse.Namespace, number: int) -> tuple[Seen, str]:
    """Follow and hang up so many times; what was seen, and the last id."""
    dice, seen = random.Random(f"cuts {asked.seed} {number}"), Seen()
    for _ in range(asked.cuts):
        last_id = _followed(live, last_id, seen, dice.uniform(0, asked.stays))
        away = dice.uniform(0, asked.away)
        time.sleep(away)
        seen.cuts += 1
        seen.away_s += away
        seen.longest_s = max(seen.longest_s, away)
    return seen, last_id


def _caught_up(live: Living, seen: Seen, last_id: str, number: int) -> Seen:
    deadline = time.monotonic() + LAST_S
    while len(seen.events) < number and time.monotonic() < deadline:
        last_id = _followed(live, last_id, seen, 1)
    return seen


def _followed(live: Living, last_id: str, seen: Seen, seconds: float) -> str:
    """Follow for a while, also where the live view is away just now; the last id that came."""
    with suppress(OSError, WebSocketException):
        for message in _messages(live, last_id, seconds):
            seen.gaps += message["type"] == "gap"
            seen.events += [(event["visitor_id"], event["event_id"]) for event in message.get("events", ())]
            last_id = message.get("id", last_id)
    return last_id


def _messages(live: Living, last_id: str, seconds: float) -> Iterator[dict[str, Any]]:
    """What comes within a time after an id; then hangs up without a word."""
    deadline = time.monotonic() + seconds
    with live.socket("show=events", headers={"last-event-id": last_id}) as socket:
        try:
            while True:
                yield json.decode(socket.recv(timeout=max(0.0, deadline - time.monotonic())))
        except TimeoutError:
            socket.socket.shutdown(SHUT_RDWR)


def _send(live: Living, rate: float, sent: list[tuple[str, str]], ended: Event) -> None:
    """Write events at an even rate, a record for what is due each 50 ms."""
    began, number = time.monotonic(), 0
    while not ended.wait(0.05):
        due = int((time.monotonic() - began) * rate)
        some: list[Line] = [line("step", visitor_id=f"v{each % VISITORS}", ts=each) for each in range(number, due)]
        live.send(*some, record=4)
        sent += [(each["visitor_id"], each["event_id"]) for each in some]
        number = due


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
