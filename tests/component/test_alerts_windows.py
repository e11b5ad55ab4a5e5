"""What windows hold, asked of a real store, against a second opinion; and what rules on them tell."""

import random
from collections.abc import Iterator
from dataclasses import replace
from typing import Any
from uuid import UUID

import pytest
from msgspec import json

from clickhouse.client import Client
from clickhouse.windows import Asked, answered, batches, begun, merge
from pulse.alerting.look import measured
from pulse.alerting.rule import MOST_GROUPS, Rule
from pulse.alerting.selector import selector_of
from pulse.alerting.site import Site, Told
from pulse.alerting.telling import notice_of
from pulse.alerting.watched import Watched
from pulse.alerting.windows import Question
from pulse.minute import MINUTE_MS
from streams.alerts.round import Want, Wanted, go_round
from streams.alerts.told import last
from tests.alertreference import Reference
from tests.migrated import migrate
from tests.windowreference import Happened, value_of

BEGIN = 29_600_000
MINUTES = 90
ABOVE: dict[str, Any] = {"kind": "threshold", "operator": ">", "value": 0.5}
RULES: list[dict[str, Any]] = [
    {"metric": "visitors"},
    {"metric": "visitors", "where": {"events": ["a"], "countries": ["AT"]}},
    {"metric": "visitors", "group_by": "event"},
    {"metric": "visitors", "group_by": "country", "where": {"device_types": ["mobile"]}},
    {"metric": "sessions"},
    {"metric": "sessions", "where": {"events": ["b"]}},
    {"metric": "sessions", "group_by": "device_type"},
    {"metric": "error_rate"},
    {"metric": "error_rate", "group_by": "country"},
    {"metric": "vital", "vital": "lcp"},
    {"metric": "vital", "vital": "lcp", "group_by": "device_type"},
    {"metric": "conversion", "over": ["a"], "of": ["b"]},
    {"metric": "conversion", "over": ["a"], "of": ["a"]},
    {"metric": "conversion", "over": ["a", "error"], "of": ["b"], "group_by": "country"},
    {"metric": "visitors", "where": {"risk": ["high", "critical"]}},
    {"metric": "sessions", "where": {"risk": ["low"], "countries": ["AT"]}, "group_by": "event"},
    {"metric": "risk_events", "where": {"risk": ["elevated", "critical"]}},
    {"metric": "risk_events", "where": {"risk": ["high"]}, "group_by": "device_type"},
    {"metric": "risk_events", "where": {"risk": ["low"]}},
    {"metric": "risky_share"},
    {"metric": "risky_share", "group_by": "country", "where": {"events": ["a", "b"]}},
    {"metric": "vpn_share", "where": {"device_types": ["mobile"]}},
    {"metric": "proxy_share", "group_by": "event"},
    {"metric": "tor_share", "where": {"countries": ["DE"]}},
]
GROUPS = {"event": ["a", "b", "error", "web_vitals"], "country": ["AT", "DE", ""], "device_type": ["mobile", "desktop"]}


def _question(rule: Rule) -> Question:
    return Question(selector_of(rule), rule.window_minutes)


@pytest.fixture(scope="module")
def client(clickhouse_of_module: str) -> Iterator[Client]:
    made = Client(clickhouse_of_module)
    migrate(made)
    yield made
    made.close()


def some_events(seed: int, number: int, visitors: int) -> list[Happened]:
    """Events of a few visitors, so close together that stretches of theirs overlap."""
    dice = random.Random(seed)
    made = []
    for _ in range(number):
        event = dice.choice(["a", "a", "b", "error", "web_vitals"])
        made.append(
            Happened(
                event,
                BEGIN * MINUTE_MS + dice.randrange(MINUTES * MINUTE_MS),
                f"v{int(visitors * dice.random() ** 2)}",
                dice.choice(["", "", f"s{dice.randrange(9)}"]),
                dice.choice(["AT", "AT", "DE", ""]),
                dice.choice(["mobile", "desktop"]),
                dice.choice([dice.uniform(0, 4_000), None]) if event == "web_vitals" else None,
                dice.random() < 0.1,
                *(dice.choice([0, 24, 25, 49, 50, 59, 60, 84, 85]) for _ in range(4)),
            )
        )
    return made


def store(client: Client, site: str, events: list[Happened]) -> None:
    """Store events and what of the minute aggregates tells since when there are any."""
    values = ", ".join(
        f"('{site}', '{e.event}', fromUnixTimestamp64Milli({e.ts}), fromUnixTimestamp64Milli({e.ts}), '{e.visitor}',"
        f" '{e.session}', '{e.country}', '{e.device}', '{UUID(int=number)}', '{properties_of(e)}',"
        f" {e.bot}, {e.risk}, '{e.band if number % 2 or e.band != 'low' else ''}', {e.vpn}, {e.proxy}, {e.tor})"
        for number, e in enumerate(events)
    )
    columns = "site_id, event, ts, received_at, visitor_id, session_id, country, device_type, event_id, properties"
    columns += ", bot, risk, risk_band, risk_vpn, risk_proxy, risk_tor"
    client.command(f"INSERT INTO events ({columns}) VALUES {values}")
    first = min(e.ts for e in events) // 1000
    client.command(f"INSERT INTO metrics_minute (site_id, minute, event) VALUES ('{site}', {first // 60 * 60}, 'a')")


def band_of(number: int, e: Happened) -> str:
    """Of half of those of a low risk nothing was told."""
    return e.band if number % 2 or e.band != "low" else ""


def properties_of(e: Happened) -> str:
    return '{"lcp": "slow"}' if e.vital is None else f'{{"lcp": {e.vital}}}'


def asked(client: Client, wanted: list[Asked]) -> dict[Any, Any]:
    """All answers."""
    found: dict[Any, Any] = {}
    for batch in batches(wanted):
        merge(found, answered(client, batch))
    return found


@pytest.mark.parametrize("width", [1, 7, 40])
def test_windows_hold_what_the_second_opinion_counts(client: Client, width: int) -> None:
    sites = {
        f"{name}{width}": some_events(width, number, visitors)
        for name, number, visitors in (("x", 250, 12), ("y", 90, 80))
    }
    for site, events in sites.items():
        store(client, site, events)
    span = BEGIN + 35, BEGIN + MINUTES + 3
    rules = [each | {"window_minutes": width, "condition": ABOVE} for each in RULES]
    made = [Rule.model_validate(each) for each in rules]
    found = asked(client, [Asked(site, _question(rule), span) for site in sites for rule in made])
    told = 0
    for site, events in sites.items():
        for plain, rule in zip(rules, made, strict=True):
            answer = found[site, _question(rule)]
            for group in GROUPS.get(plain.get("group_by", ""), [""]):
                windows = answer.windows(group)
                for end in range(span[0], span[1] + 1):
                    value, volume = windows.sums(end - width + 1, end)
                    wanted = value_of(events, plain, group, end)
                    assert value is not None
                    assert (measured(rule, value, volume), volume) == pytest.approx(wanted), (site, plain, group, end)
                    told += volume > 0
                assert windows.sums(0, span[0] - 1) == (None, 0)
    assert told > 1_000
    assert begun(client, list(sites)) == {
        site: min(e.ts for e in events) // MINUTE_MS for site, events in sites.items()
    }


class OnEvents(Reference):
    """The second opinion on a rule whose windows are counted from events."""

    events: list[Happened]

    def judge(self, minute: int) -> tuple[bool, bool]:
        """As of a threshold or a comparison with the window before."""
        value, volume = value_of(self.events, self.rule, "", minute)
        condition, limit = self.rule["condition"], self.rule["condition"].get("value")
        if condition["kind"] == "relative":
            earlier = minute - self.rule["window_minutes"]
            before, volume_before = value_of(self.events, self.rule, "", earlier)
            if earlier - self.rule["window_minutes"] + 1 < BEGIN or not before or value is None:
                return False, False
            value, limit = (value - before) / before * 100, condition["percent"]
            volume = max(volume, volume_before)
        if value is None or volume < self.rule.get("min_volume", 0):
            return False, False
        is_above = value > limit
        return (is_above, not is_above) if condition["operator"] == ">" else (value < limit, value >= limit)


def some_rule(dice: random.Random) -> dict[str, Any]:
    """A rule that goes on and off on events of a few visitors."""
    rule = dict(dice.choice([each for each in RULES if "group_by" not in each]))
    levels = {"visitors": [5, 8, 11], "sessions": [6, 12, 18], "vital": [1_500, 2_500, 3_200], "risk_events": [5, 9]}
    level = dice.choice(levels.get(rule["metric"], [0.2, 0.4, 0.6]))
    condition: dict[str, Any] = {"kind": "threshold", "operator": dice.choice(["<", ">"]), "value": level}
    if dice.random() < 0.3:
        condition = {"kind": "relative", "against": "previous", "operator": dice.choice(["<", ">"]), "percent": 20}
    times = {"window_minutes": dice.choice([2, 5, 9]), "for_minutes": dice.choice([0, 0, 1, 2])}
    return (
        rule
        | times
        | {"condition": condition, "min_volume": dice.choice([0, 4]), "cooldown_minutes": dice.choice([0, 6])}
    )


def test_rules_on_stored_events_tell_what_the_second_opinion_does_over_restarts(client: Client) -> None:
    events = [e for e in some_events(5, 400, 20) if e.ts // MINUTE_MS - BEGIN not in range(50, 56)]
    events.append(Happened("a", BEGIN * MINUTE_MS, "first"))
    store(client, "course", events)
    dice, told = random.Random(7), 0
    rules = [some_rule(dice) for _ in range(60)]
    made = [Rule.model_validate(rule) for rule in rules]
    span = BEGIN, BEGIN + MINUTES
    found = asked(client, [Asked("course", _question(rule), (BEGIN - 10, span[1])) for rule in made])
    begin = begun(client, ["course"])["course"]
    for plain, rule in zip(rules, made, strict=True):
        watched = Watched("rule", "course", "A rule", rule, selector_of(rule), 0)
        answer = {question: replace(each, begin=begin) for (_, question), each in found.items()}
        reference, notices, changes = OnEvents(plain), list[bytes](), list[Told]()
        reference.events = events
        site, evaluated = Site([watched]), 0
        for minute in range(span[0], span[1] + 1):
            if dice.random() < 0.2:
                site, evaluated = Site([watched], last(notices).get("course")), minute - 1
                site.take(answer)
                for before in range(evaluated - rule.holds_for, evaluated + 1):
                    assert site.close_asked(before, (rule.metric,), evaluated) == []
            site.take(answer)
            new = site.close_asked(minute, (rule.metric,))
            changes += new
            notices += [json.encode(notice_of(each, 0)) for each in new]
            reference.closed(minute)
        assert [tuple(each.change) for each in changes] == reference.told, plain
        assert len({json.decode(each)["id"] for each in notices}) == len(notices)
        told += len(changes)
    assert told > 60


@pytest.mark.parametrize(("oldest_s", "until"), [(None, MINUTES + 4), (-30, MINUTES + 4), (-70, MINUTES + 3)])
def test_a_round_closes_minutes_before_the_oldest_event_that_is_not_stored(
    client: Client, oldest_s: int | None, until: int
) -> None:
    now_ms = (BEGIN + MINUTES + 5) * MINUTE_MS + 40_000
    rule = Rule.model_validate({"metric": "visitors", "window_minutes": 9, "condition": ABOVE})
    store(client, "round", [Happened("a", now_ms - 200_000, "v1"), Happened("a", now_ms, "v2")])
    wants = [Want(site, _question(rule), 0, 0, True, frozenset()) for site in ("round", "none")]
    oldest_ms = None if oldest_s is None else now_ms + oldest_s * 1000
    found = go_round(client, [Wanted(BEGIN + MINUTES, wants)], now_ms, oldest_ms, 10_000)
    assert (found.until - BEGIN, found.lag_s, found.fault) == (until, -(oldest_s or 0), "")
    windows = found.answers["round", _question(rule)].windows("")
    minutes = range(BEGIN + MINUTES + 1, BEGIN + MINUTES + 6)
    assert [windows.sums(0, minute) for minute in minutes] == [(0, 0), (1, 1), (1, 1), (1, 1), (2, 2)]
    assert found.answers["none", _question(rule)].windows("").sums(0, BEGIN + MINUTES + 1) == (0, 0)


class Strict(Client):
    """A store that will not hear of one site."""

    def ask(self, statement: str, parameters: Any = None, **settings: Any) -> Any:
        if "huge" in (parameters or {}).get("sites", ()):
            settings |= {"max_rows_to_read": 1}
        return super().ask(statement, parameters, **settings)


def test_a_question_that_the_store_refuses_is_left_out_and_the_others_are_answered(client: Client) -> None:
    for site in ("huge", "small"):
        store(client, site, some_events(1, 50, 9))
    rule = Rule.model_validate({"metric": "sessions", "window_minutes": 9, "condition": ABOVE})
    wants = [Want(site, _question(rule), 0, 0, True, frozenset()) for site in ("huge", "small", "other")]
    wanted = Wanted(BEGIN, wants)
    found = go_round(Strict(client._url, client.database), [wanted], (BEGIN + 9) * MINUTE_MS, None, 10_000)
    assert (found.refused, found.fault) == ([("huge", _question(rule))], "")
    assert sorted(site for site, _ in found.answers) == ["other", "small"]
    away = go_round(Client("http://127.0.0.1:9"), [wanted], (BEGIN + 9) * MINUTE_MS, None, 10_000)
    assert (away.refused, "does not answer" in away.fault) == ([], True)


@pytest.mark.parametrize("metric", [{"metric": "visitors"}, {"metric": "vital", "vital": "lcp"}])
def test_groups_are_left_out_where_there_is_one_more_than_are_told_and_not_before(
    client: Client, metric: dict[str, Any]
) -> None:
    site, at = f"groups_{metric['metric']}", BEGIN * MINUTE_MS
    lands = [chr(65 + n // 26) + chr(65 + n % 26) for n in range(MOST_GROUPS)]
    of_lands = [Happened("web_vitals", at, f"v{land}", "", land, "mobile", 5.0) for land in lands]
    store(client, site, of_lands)
    rule = Rule.model_validate(metric | {"window_minutes": 1, "condition": ABOVE, "group_by": "country"})
    question, span = _question(rule), (BEGIN, BEGIN)
    whole = asked(client, [Asked(site, question, span)])[site, question]
    assert (sorted(whole.groups), whole.cut) == (lands, {})

    store(client, site, [Happened("web_vitals", at, f"z{n}", "", "ZZ", "mobile", 5.0) for n in (1, 2)])
    kept = frozenset({lands[-1]})
    cut = asked(client, [Asked(site, question, span, kept)])[site, question]
    assert sorted(cut.groups) == [*lands[:-2], lands[-1], "ZZ"]
    assert cut.cut == {span: frozenset(cut.groups)}
