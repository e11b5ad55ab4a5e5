"""POST /v1/events: the hot route, a plain ASGI function that stands before the rest of the app."""

import logging
import random
import time
from asyncio import get_running_loop
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

from api.collector import access, answer, body, cors, header, media
from api.collector.answer import Problem, Reply
from api.collector.gather import Gatherer, Ticket
from api.collector.inflate import inflate
from api.collector.judge import Judged, judge
from api.collector.producer import RawLog
from api.collector.receipt import Rules, receipt
from api.collector.stamp import Receipt
from api.collector.tally import Tally
from api.collector.watch import Watch
from api.keyring import Key
from pulse.errors import Unavailable
from pulse.event import MAX_REQUEST_BYTES

Scope = MutableMapping[str, Any]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
Find = Callable[[str], Awaitable[Key | None]]

PATH = "/v1/events"
SHORT_S, LONG_S = 1, 5
"""When to come again: soon if there is merely too much at once, later if something is away."""

log = logging.getLogger(__name__)


class Ingest:
    """Takes the events of a request into the raw log, and answers once they are there.

    `find` finds keys; `most_waiting` is how many bytes may wait for their acknowledgement.
    """

    def __init__(
        self, find: Find, gatherer: Gatherer, raw: RawLog, watch: Watch, rules: Rules, tally: Tally, most_waiting: int
    ) -> None:
        self._find = find
        self._gatherer = gatherer
        self._raw = raw
        self._watch = watch
        self._rules = rules
        self._tally = tally
        self._most_waiting = most_waiting
        self._room = body.Room(most_waiting)
        self._turns = body.Turns(self._room)

    async def __call__(self, scope: Scope, receive: body.Receive, send: Send) -> None:
        """Answer one HTTP request to this path."""
        began = time.perf_counter()
        headers: dict[bytes, bytes] = dict(scope["headers"])
        try:
            status, own, content = await self._reply(scope, headers, receive)
        except body.Gone:
            return
        shared = cors.allowing(headers.get(b"origin"))
        await send({"type": "http.response.start", "status": status, "headers": [*own, *shared]})
        await send({"type": "http.response.body", "body": content})
        self._tally.answered(status, time.perf_counter() - began)

    async def _reply(self, scope: Scope, headers: dict[bytes, bytes], receive: body.Receive) -> Reply:
        try:
            header.demand_short(scope["headers"])
            if scope["method"] == "POST":
                return answer.reply(202, answer.JSON, await self._post(scope, headers, receive))
            if scope["method"] == "OPTIONS":
                return Reply(204, cors.PREFLIGHT, b"")
            raise Problem(405, "method_not_allowed", "events are sent by POST", headers=((b"allow", b"POST, OPTIONS"),))
        except Problem as fault:
            return answer.failed(fault)
        except Unavailable as fault:
            return answer.failed(answer.later(str(fault), LONG_S))
        except body.Gone:
            raise
        except Exception:
            log.exception("a request failed")
            return answer.failed(Problem(500, "internal", "the collector failed, and has logged why"))

    async def _post(self, scope: Scope, headers: dict[bytes, bytes], receive: body.Receive) -> bytes:
        """The body of the 202; raises Problem for any other answer."""
        key, site_id = await self._admitted(scope, headers)
        lines = media.is_lines(headers.get(b"content-type", b""))
        coding = media.coding(headers.get(b"content-encoding", b""))
        self._demand_room()
        sent = await body.read(receive, headers.get(b"content-length"), MAX_REQUEST_BYTES, self._room)
        origin = receipt(scope, headers, key, site_id, time.time_ns() // 1_000_000, self._rules)
        if body.is_quick(sent, coding):
            judged = self._judge(inflate(sent, coding, MAX_REQUEST_BYTES), lines, origin)
        else:
            async with self._turns.inflated(sent, coding, MAX_REQUEST_BYTES) as whole:
                judged = self._judge(whole, lines, origin)
                del whole
        del sent
        return await self._store(judged)

    def _judge(self, whole: bytes, lines: bool, origin: Receipt) -> Judged:
        self._tally.bytes.inc(len(whole))
        self._demand_room()
        return judge(whole, lines, origin, self._rules.bounds, random.getrandbits, self._watch.partitions)

    async def _admitted(self, scope: Scope, headers: dict[bytes, bytes]) -> tuple[Key, str]:
        presented, in_address = access.presented(headers, scope["query_string"])
        key = await self._find(presented)
        if key is None:
            raise access.unknown()
        return key, access.admit(key, in_address, headers.get(b"origin", b"").decode("latin-1"))

    def _demand_room(self) -> None:
        if self._watch.fault is not None:
            raise answer.later(self._watch.fault, LONG_S)
        if self._raw.in_flight_bytes + self._gatherer.pending_bytes > self._most_waiting:
            raise answer.later("too much waits for Kafka to acknowledge it", SHORT_S)

    async def _store(self, judged: Judged) -> bytes:
        """The body of the 202, once the log has every accepted event."""
        shares, accepted, refused = judged
        if shares:
            await self._acknowledged(shares)
        self._tally.judged(accepted, refused)
        if not accepted:
            raise answer.all_refused(refused)
        return answer.accepted(accepted, refused)

    async def _acknowledged(self, shares: dict[int, list[bytes]]) -> None:
        ticket = Ticket(get_running_loop().create_future())
        self._gatherer.add(shares, ticket)
        shares.clear()  # the lines are the record's now; held here too they would take their memory until the answer
        error = await ticket.done
        if error is not None:
            raise answer.later(
                f"Kafka did not acknowledge the events ({error}): send them again with the same event ids", LONG_S
            )
