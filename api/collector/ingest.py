"""Where events are sent to, /v1/events above all: a plain ASGI function that stands before the rest of the app."""

import logging
import random
import time
from asyncio import get_running_loop
from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from typing import Any

from api.collector import access, answer, body, cors, header, media
from api.collector.admission import LONG_S, Admission
from api.collector.answer import Problem, Reply
from api.collector.flood import Floods
from api.collector.form import Form, Kept
from api.collector.gather import Gatherer, Ticket
from api.collector.inflate import inflate
from api.collector.judge import Judged, judge
from api.collector.lane import is_asked
from api.collector.lead.keep import Leads
from api.collector.quota import Quota
from api.collector.receipt import Rules, receipt
from api.collector.stamp import Receipt
from api.collector.tally import Tally
from api.control.leads import NewLead
from api.keyring import Key
from pulse.errors import Unavailable
from pulse.topics import RAW, SLOW

Scope = MutableMapping[str, Any]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
Find = Callable[[str], Awaitable[Key | None]]

log = logging.getLogger(__name__)


class Ingest:
    """Takes the events of a request into the raw log, and answers once they are there.

    `forms` tells by a path what is sent there; `find` finds keys; `gatherers` are those of each lane's topic; `partitions` tells how many the log has; `most_bytes` is what unfinished bodies may take; `leads` keeps leads.
    """

    def __init__(
        self,
        forms: Mapping[str, Form],
        find: Find,
        gatherers: Mapping[str, Gatherer],
        admission: Admission,
        quota: Quota | None,
        floods: Floods,
        rules: Rules,
        tally: Tally,
        partitions: Callable[[], int],
        most_bytes: int,
        leads: Leads,
    ) -> None:
        self._forms = forms
        self._find = find
        self._gatherers = gatherers
        self._admission = admission
        self._quota = quota
        self._floods = floods
        self._rules = rules
        self._tally = tally
        self._partitions = partitions
        self._leads = leads
        self._room = body.Room(most_bytes)
        self._turns = body.Turns(self._room)

    async def __call__(self, scope: Scope, receive: body.Receive, send: Send) -> None:
        """Answer one HTTP request to a path of `forms`."""
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
                return await self._post(scope, headers, receive)
            if scope["method"] == "OPTIONS":
                return Reply(204, cors.PREFLIGHT, b"")
            raise Problem(405, "method_not_allowed", "events are sent by POST", headers=((b"allow", b"POST, OPTIONS"),))
        except Problem as fault:
            if fault.is_unread and body.hangs_up(scope["http_version"], headers):
                await body.discard(receive)
            return answer.failed(fault)
        except body.Gone:
            raise
        except Exception:
            log.exception("a request failed")
            return answer.failed(Problem(500, "internal", "the collector failed, and has logged why"))

    async def _post(self, scope: Scope, headers: dict[bytes, bytes], receive: body.Receive) -> Reply:
        """The answer where events are accepted; raises Problem for any other."""
        form = self._forms[scope["path"]]
        try:
            key, site_id = await self._admitted(scope, headers, form)
            lines = form.is_lines(headers.get(b"content-type", b""))
            coding = media.coding(headers.get(b"content-encoding", b""))
        except Problem as fault:
            raise body.unread(fault) from None
        sent = await body.read(receive, headers.get(b"content-length"), form.most_bytes, self._room)
        origin = receipt(scope, headers, key, site_id, time.time_ns() // 1_000_000, self._rules)
        if body.is_quick(sent, coding):
            judged, kept, lead = self._judge(form, inflate(sent, coding, form.most_bytes), lines, origin)
        else:
            async with self._turns.inflated(sent, coding, form.most_bytes) as whole:
                judged, kept, lead = self._judge(form, whole, lines, origin)
                del whole
        del sent
        if self._quota is not None:
            self._quota.take(key.id, judged.accepted + len(judged.refused), time.monotonic())
        if lead is None:
            await self._store(judged)
        else:
            await self._leads.keep(lead, origin)
            await self._store_of_lead(judged, lead)
        told = self._quota.headers(key.id, time.monotonic()) if self._quota is not None else ()
        return answer.reply(form.status, answer.JSON, kept(judged.accepted, judged.refused), told)

    def _judge(self, form: Form, whole: bytes, lines: bool, origin: Receipt) -> tuple[Judged, Kept, NewLead | None]:
        self._tally.bytes.inc(len(whole))
        self._admission.demand_room()
        decoded, kept, lead = form.read(whole, lines, origin, random.getrandbits)
        judged = judge(
            decoded,
            origin,
            self._rules.bounds,
            random.getrandbits,
            self._partitions(),
            self._floods,
            time.monotonic(),
        )
        self._admission.demand_history(judged)
        return judged, kept, lead

    async def _admitted(self, scope: Scope, headers: dict[bytes, bytes], form: Form) -> tuple[Key, str]:
        """Whose events they are, if they may come in now."""
        presented, in_address = access.presented(headers, scope["query_string"])
        try:
            key = await self._find(presented)
        except Unavailable as fault:
            raise answer.untaken(str(fault), LONG_S) from None
        if key is None:
            raise access.unknown()
        site_id = access.admit(key, in_address, headers.get(b"origin", b"").decode("latin-1"))
        if form.waits:
            self._admission.demand(is_asked(headers))
        else:
            self._admission.demand_room()
        if self._quota is not None:
            self._quota.demand(key.id, time.monotonic())
        return key, site_id

    async def _store(self, judged: Judged) -> None:
        """Return once the log or the spool has every accepted event; raises Problem 400 where there is none."""
        if judged.shares or judged.slow:
            await self._acknowledged(judged)
        self._tally.judged(judged)
        if not judged.accepted:
            raise answer.all_refused(judged.refused)

    async def _store_of_lead(self, judged: Judged, lead: NewLead) -> None:
        """The lead is kept and that is what the answer says: told to send it again its sender might have it twice."""
        try:
            await self._store(judged)
        except Problem as fault:
            log.warning("a lead is kept, but perhaps not its event: %s", fault.detail, extra={"lead": lead.id})

    async def _acknowledged(self, judged: Judged) -> None:
        ticket = Ticket(get_running_loop().create_future())
        for topic, shares in ((RAW, judged.shares), (SLOW, judged.slow)):
            if shares:
                self._gatherers[topic].add(shares, ticket)
                shares.clear()  # the lines are the record's now; held here too they would take their memory until the answer
        error = await ticket.done
        if error is not None:
            raise answer.unsure(judged.accepted, error, LONG_S)
