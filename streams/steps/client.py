"""Who sent it: all that address and user agent tell, and the verdict on it, at once where they told it before.

A client sends many events, and for each it would be looked up, judged and cut to its network anew. All of it follows from
few fields of the event, and so it is remembered by these; and of most clients as the text that is written of it.
"""

from collections.abc import Callable, Sequence
from functools import partial

from pulse.event import RefinedEvent
from pulse.network.finder import Finder
from pulse.risk.rule_sets import RuleSet
from pulse.topics import DAY_MS
from streams.devices import is_followed
from streams.steps.clients import UNTOLD, Clients, Values
from streams.steps.risk import SIGNALS, Sight, judge_seen, judging, put_verdict, sight_of
from streams.steps.step import Arrival, Many, Opinion, Step, Together, Verdict


def put_client(finder: Finder, rules: RuleSet) -> Step:
    """What user agent and address tell, the verdict of a rule set; the user agent goes, and the address is cut to its network."""
    judge = judging(rules)
    clients = Clients(finder, judge)

    def put(e: RefinedEvent, arrival: Arrival) -> None:
        put_whole(e, arrival, judge, clients.met(e))

    return Together(put, putting(clients, judge))


def putting(clients: Clients, judge: Callable[[Sight], Verdict]) -> Many:
    """The same of many, into which texts are put where there are any: most fields are in these, and stay as they are."""

    def put_all(events: Sequence[RefinedEvent], arrival: Arrival) -> bool:
        known = clients.known()
        for e in events:
            zone, day = (e.timezone, e.ts // DAY_MS) if e.consent == "granted" else UNTOLD  # type: ignore[operator]
            ip, hints, own = e.ip, e.client_hints, e.country
            told = e.user_agent, zone, day, hints, e.imported, e.browser, e.os, e.device_type, own, e.region, e.city
            client = known[ip]
            if client[0] != told or not client[1] <= e.received_at < client[2]:
                client = clients.of(ip, told, e.received_at)
            _, _, _, network, agent, country, region, city, system, said, is_risky, opinion, _ = client
            is_of_device = e.fingerprint_id is not None or e.event == SIGNALS
            if said is None or (is_of_device and not noted(e, arrival, opinion)):
                put_whole(e, arrival, judge, client)
                continue
            e.ip, e.user_agent, e.country, e.asn = network, None, country, system
            e.browser, e.browser_version, e.os, e.os_version, e.device_type, _, _, _ = agent
            if hints is not None:
                e.client_hints = None
            if region is not None or city is not None:
                e.region, e.city = region, city
            if is_risky:
                e.risk = said
            else:
                e.risk_band = said
        return True

    return put_all


def put_whole(e: RefinedEvent, arrival: Arrival, judge: Callable[[Sight], Verdict], client: Values) -> None:
    """All that is known of a client, a field at a time; and the verdict on the event, which may tell of its device."""
    _, _, _, network, agent, *_, (country, claim, differs, place, verdict) = client
    e.ip, e.user_agent, e.client_hints, e.bot_claim = network, None, None, claim
    e.browser, e.browser_version, e.os, e.os_version, e.device_type, e.bot, e.bot_name, e.bot_kind = agent
    e.country, e.region, e.city, e.asn, e.as_org, e.as_entropy, e.network, e.network_source, e.network_days = place
    if e.event == SIGNALS or e.fingerprint_id is not None:
        arrival.country, arrival.hints_differ = country, differs
        verdict = of_device(e, arrival, judge, verdict)
    put_verdict(e, verdict)


def noted(e: RefinedEvent, arrival: Arrival, opinion: Opinion | None) -> bool:
    """Note an event of a device that is followed; False where more is to be said of it than its client tells."""
    if opinion is None or e.event == SIGNALS:
        return False
    if is_followed(e):
        arrival.met.append((e, opinion))
    return True


def of_device(e: RefinedEvent, arrival: Arrival, judge: Callable[[Sight], Verdict], verdict: Verdict) -> Verdict:
    """The verdict on an event that may tell of its device, beside what its client is told; one whose device is followed is noted."""
    follows = is_followed(e)
    if not follows and e.event != SIGNALS:
        return verdict
    seen = sight_of(e, arrival)
    if e.event == SIGNALS:
        verdict = judge(seen)
    if follows:
        arrival.met.append((e, Opinion(verdict, partial(judge_seen, judge, seen), e.asn, e.network)))
    return verdict
