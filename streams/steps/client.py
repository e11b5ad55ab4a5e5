"""Who sent it: all that address and user agent tell, and the verdict on it, at once where they told it before.

A client sends many events, and for each it would be looked up, judged and cut to its network anew. All of it follows from
few fields of the event, and so it is remembered by these.
"""

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, NamedTuple

from pulse.event import RefinedEvent
from pulse.network.crawlers import NO_BOT, claim_of
from pulse.network.cut import network_of
from pulse.network.finder import Finder
from pulse.network.found import NOWHERE
from pulse.risk.rule_sets import RuleSet
from pulse.topics import DAY_MS
from streams.devices import is_followed
from streams.memo import Memo
from streams.steps.address import Place, days_of, place_of
from streams.steps.hints import differ, hinted
from streams.steps.risk import SIGNALS, Sight, judge_seen, judging, sight, sight_of
from streams.steps.step import Arrival, Step, Together, Verdict
from streams.steps.user_agent import UNKNOWN, Agent, agent_of, device_of

REMEMBERED = 262_144
"""Clients: half a kilobyte each. A firehose of 30,000 events a second has some hundred thousand of them there at once."""


class Told(NamedTuple):
    """What a client is remembered by: what an event tells of it. The time zone and the day, since the epoch, count with consent alone."""

    ip: str | None
    user_agent: str | None
    hints: str | None
    imported: bool
    browser: str | None
    os: str | None
    device_type: str | None
    country: str | None
    region: str | None
    city: str | None
    timezone: str | None
    day: int


Values = tuple[Any, ...]
"""Those of an `Agent`, a `Place`, a `Client`, or of what was `Judged`, as a tuple like any other, which is taken apart twice as fast."""


class Client(NamedTuple):
    """What is put into a client's events that are received from `since` on and before `until`, in ms since the epoch.

    `network` is what its address is cut to, `country` the one that the address tells, `claim` what that says of a crawler's claim,
    `hints_differ` whether client hints contradict the user agent.
    """

    since: int
    until: int
    network: str | None = None
    country: str = ""
    claim: str = ""
    hints_differ: bool | None = None
    agent: Values = ()
    place: Values = ()
    verdict: Values = ()


NOBODY = tuple(Client(1, 0))
UNTOLD = None, -1
"""Time zone and day where the visitor gave no leave to count them."""


def put_client(finder: Finder, rules: RuleSet) -> Step:
    """What user agent and address tell, the verdict of a rule set; the user agent goes, and the address is cut to its network."""
    judge = judging(rules)
    learned = learning(finder, judge)
    clients: Memo[Values, Values] = Memo(lambda told: NOBODY, REMEMBERED // 2)
    data = finder.data

    def put_all(events: Sequence[RefinedEvent], arrival: Arrival) -> bool:
        nonlocal data
        if finder.data is not data:
            clients.forget()
            data = finder.data
        for e in events:
            zone, day = (e.timezone, e.ts // DAY_MS) if e.consent == "granted" else UNTOLD  # type: ignore[operator]
            seen = e.ip, e.user_agent, e.client_hints, e.imported
            key = *seen, e.browser, e.os, e.device_type, e.country, e.region, e.city, zone, day
            since, until, network, country, claim, differs, agent, at, verdict = clients[key]
            if not since <= e.received_at < until:
                clients[key] = learned(Told._make(key), e.received_at)
                _, _, network, country, claim, differs, agent, at, verdict = clients[key]
            e.ip, e.user_agent, e.client_hints, e.bot_claim = network, None, None, claim
            e.browser, e.browser_version, e.os, e.os_version, e.device_type, e.bot, e.bot_name, e.bot_kind = agent
            e.country, e.region, e.city, e.asn, e.as_org, e.as_entropy, e.network, e.network_source, e.network_days = at
            if e.event == SIGNALS or e.fingerprint_id is not None:
                arrival.country, arrival.hints_differ = country, differs
                verdict = of_device(e, arrival, judge, verdict)
            scores, words = verdict
            e.risk, e.risk_band, e.risk_vpn, e.risk_proxy, e.risk_tor, e.risk_relay, e.risk_bot, e.risk_tamper = scores
            e.risk_confidence, e.risk_reasons, e.risk_rules = words
        return True

    def put(e: RefinedEvent, arrival: Arrival) -> None:
        put_all((e,), arrival)

    return Together(put, put_all)


def of_device(e: RefinedEvent, arrival: Arrival, judge: Callable[[Sight], Verdict], verdict: Verdict) -> Verdict:
    """The verdict on an event that may tell of its device, beside what its client is told; one whose device is followed is noted."""
    follows = is_followed(e)
    if not follows and e.event != SIGNALS:
        return verdict
    seen = sight_of(e, arrival)
    if e.event == SIGNALS:
        verdict = judge(seen)
    if follows:
        arrival.met.append((e, (partial(judge_seen, judge, seen), verdict)))
    return verdict


def learning(finder: Finder, judge: Callable[[Sight], Values]) -> Callable[[Told, int], Values]:
    """What is learned of a client from what it tells and a moment of receipt. What clients have in common they share."""
    agents: Memo[Values, Values] = Memo(lambda told: tuple(agent_of(*told)), REMEMBERED // 2)
    places: Memo[Values, Values] = Memo(lambda told: tuple(place_of(*told)), REMEMBERED // 2)

    def learned(told: Told, received_at: int) -> Values:
        ip, user_agent, hints, imported, browser, os, device_type, country, region, city, timezone, day = told
        device, bot = (device_of(user_agent), finder.named(user_agent)) if user_agent else (UNKNOWN, NO_BOT)
        differs = differ(hints, user_agent) if hints and user_agent else None
        device = hinted(device, hints) if hints else device
        agent = agents[device, bot, imported, browser, os, device_type]
        found = finder.find(ip) if ip else NOWHERE
        days, since, until = days_of(found.made_ms, received_at)
        place = places[found, days, country, region, city]
        claim = claim_of(bot.claims, found, finder.homes(bot.claims)) if bot.claims else ""
        is_bot, there = Agent._make(agent).bot, found.country or Place._make(place).country or ""
        leave = (False,) if day < 0 else (True, there, timezone or "", day)
        seen = sight(found.network, days, found.asn, found.as_entropy, is_bot, claim, *leave)
        verdict = judge(seen._replace(hints_differ=differs))
        network = network_of(ip) if ip is not None else None
        return tuple(Client(since, until, network, found.country, claim, differs, agent, place, verdict))

    return learned
