"""What is known of clients: looked up and judged once, and remembered by what they tell."""

from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple

from msgspec import Raw

from pulse.event import RefinedEvent
from pulse.network.crawlers import NO_BOT, claim_of
from pulse.network.cut import network_of
from pulse.network.finder import Finder
from pulse.network.found import NOWHERE
from pulse.topics import DAY_MS
from streams.memo import Memo
from streams.steps.address import days_of, place_of
from streams.steps.hints import differ, hinted
from streams.steps.risk import Sight, judge_seen, sight
from streams.steps.step import Judge, Opinion, Verdict
from streams.steps.text import SYSTEM, VERDICT, Run, runs
from streams.steps.user_agent import UNKNOWN, agent_of, device_of

REMEMBERED = 262_144
"""Clients: some 800 bytes each. A firehose of 30,000 events a second has some hundred thousand of them there at once."""
SIGHTS = 65_536
"""Of what many clients have in common, so many of each kind: user agents, systems, verdicts."""
SEEN = 64
"""Of each of these so many verdicts more, by where a device was seen."""
UNTOLD = None, -1
"""Time zone and day where the visitor gave no leave to count them."""

Values = tuple[Any, ...]
"""Those of a `Told`, an `Agent`, a `Place`, a `Client`, as a tuple like any other, which is taken apart twice as fast."""


class Told(NamedTuple):
    """What a client is told by, beside its address. The time zone and the day, since the epoch, count with consent alone."""

    user_agent: str | None
    timezone: str | None
    day: int
    hints: str | None
    imported: bool
    browser: str | None
    os: str | None
    device_type: str | None
    country: str | None
    region: str | None
    city: str | None


class Client(NamedTuple):
    """What is put into the events of a client, received from `since` on and before `until`, in ms since the epoch.

    `network` is what its address is cut to; `system` and `said` are the text of its network's fields and that of its verdict, which
    goes into `risk` where that is not 0. There is no text of what few clients have: bots, and addresses of which no system is known.
    An `opinion` is there with consent alone, and where the texts are.
    """

    told: Values
    since: int
    until: int
    network: str | None = None
    agent: Values = ()
    country: str | None = None
    region: str | None = None
    city: str | None = None
    system: Raw | None = None
    said: Raw | None = None
    is_risky: bool = False
    opinion: Opinion | None = None
    whole: Values = ()


class Whole(NamedTuple):
    """What texts hold, and what they leave out: the address's country, what it says of a crawler's claim, whether hints differ."""

    country: str
    claim: str
    hints_differ: bool | None
    place: Values
    verdict: Verdict


class Agents(NamedTuple):
    """What a user agent and hints tell: what is put, whose crawler it claims to be, whether the two contradict each other."""

    agent: Values
    claims: str
    hints_differ: bool | None


NOBODY = tuple(Client(tuple(Told(None, None, -2, None, False, None, None, None, None, None, None)), 1, 0))
_run_of_verdict = runs(VERDICT)
RISKS = ("risk", "risk_band")
DAY = Told._fields.index("day")


class Clients:
    """The clients that were met, with what was learned of each. What they have in common they share.

    Of an address the client that was met first stands under it, and the others under it and what they tell: mostly there is one.
    """

    def __init__(self, finder: Finder, judge: Callable[[Sight], Verdict]) -> None:
        self._finder = finder
        self._data = finder.data
        self._known: Memo[Any, Values] = Memo(lambda key: NOBODY, REMEMBERED // 2)
        self._told: Memo[Values, Values] = Memo(lambda told: told, SIGHTS // 2)
        self._agents: Memo[Values, Values] = Memo(lambda told: tuple(self._agent(*told)), SIGHTS // 2)
        self._places: Memo[Values, Values] = Memo(lambda told: tuple(place_of(*told)), REMEMBERED // 2)
        self._systems: Memo[Values, Run] = Memo(runs(SYSTEM), SIGHTS // 2)
        self._said: Memo[Sight, tuple[Verdict, Judge, Run]] = Memo(partial(spoken, judge), SIGHTS // 2)

    def known(self) -> Memo[Any, Values]:
        """Those that are known, by the data of now: by address, the latest day first."""
        if self._finder.data is not self._data:
            self._known.forget()
            self._agents.forget()
            self._data = self._finder.data
        return self._known

    def met(self, e: RefinedEvent) -> Values:
        """The client of an event."""
        self.known()
        zone, day = (e.timezone, e.ts // DAY_MS) if e.consent == "granted" else UNTOLD  # type: ignore[operator]
        seen = e.user_agent, zone, day, e.client_hints, e.imported
        return self.of(e.ip, (*seen, e.browser, e.os, e.device_type, e.country, e.region, e.city), e.received_at)

    def of(self, ip: str | None, told: Values, received_at: int) -> Values:
        """The client at an address that tells this, at a moment of receipt."""
        first = self._known[ip]
        key = ip if first[0] == told or first[0][DAY] < told[DAY] else (ip, told)
        client = self._known[key]
        if client[0] != told or not client[1] <= received_at < client[2]:
            client = self._known[key] = self._learned(ip, self._told[told], received_at)
        return client

    def _learned(self, ip: str | None, told: Values, received_at: int) -> Values:
        user_agent, timezone, day, hints, imported, browser, os, device_type, country, region, city = told
        agent, claims, differs = self._agents[user_agent, hints, imported, browser, os, device_type]
        found = self._finder.find(ip) if ip else NOWHERE
        days, since, until = days_of(found.made_ms, received_at)
        place = self._places[found, days, country, region, city]
        claim = claim_of(claims, found, self._finder.homes(claims)) if claims else ""
        there = found[0] or place[0] or ""
        leave = (False, "", "", 0) if day < 0 else (True, there, timezone or "", day)
        seen = found.network, days, found.asn, found.as_entropy, agent[5], claim
        verdict, judge, said = self._said[sight(*seen, *leave, None, differs)]  # type: ignore[call-arg]
        network = network_of(ip) if ip is not None else None
        whole = found[0], claim, differs, place, verdict
        put = told, since, until, network, agent, *place[:3]
        system = self._systems[place[3:]]
        if agent[5] or claim or system.field != "asn" or said.field not in RISKS:
            return *put, None, None, False, None, whole
        opinion = Opinion(verdict, judge, found.asn, found.network) if day >= 0 else None
        return *put, system.text, said.text, said.field == "risk", opinion, whole

    def _agent(self, user_agent: str | None, hints: str | None, *rest: Any) -> Agents:
        device, bot = (device_of(user_agent), self._finder.named(user_agent)) if user_agent else (UNKNOWN, NO_BOT)
        differs = differ(hints, user_agent) if hints and user_agent else None
        device = hinted(device, hints) if hints else device
        return Agents(tuple(agent_of(device, bot, *rest)), bot.claims, differs)


def spoken(judge: Callable[[Sight], Verdict], sight: Sight) -> tuple[Verdict, Judge, Run]:
    """The verdict on a sight, who tells it once it is known where the device was seen, and its text."""
    scores, words = verdict = judge(sight)
    return verdict, Memo(partial(judge_seen, judge, sight), SEEN // 2).__getitem__, _run_of_verdict((*scores, *words))
