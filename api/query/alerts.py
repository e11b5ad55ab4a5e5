"""/api/v1/alerts: rules by which somebody is alerted, what they told, and how to try them."""

from typing import Annotated

from anyio import to_thread
from fastapi import APIRouter, Query, Request, Response

from api.allowed import own_site
from api.control.model import AlertRule
from api.keyring import Key
from api.problems import BadParameter, documented
from api.query.access import Reader, Watcher
from api.query.alertform import (
    AlertChange,
    AlertRecord,
    AlertRequest,
    AlertStanding,
    Backtest,
    Expected,
    Occurrence,
    Span,
    Tested,
    Trial,
    Window,
    definition_of,
    told,
)
from api.query.asking import asked as answered
from api.query.backtest import tried
from api.query.page import USUAL, Cursor, Limit, Page, decode, page_of
from api.query.parts import Parts, With, now_ms
from api.query.sites import found_site
from api.query.standing import standing
from api.query.telling import tell
from api.query.testfire import notice_of
from api.query.word import Reference
from clickhouse.alerting import Past, history
from pulse.alerting.rule import Rule
from pulse.event import MAX_MS

LAST = "\U0010ffff"
"""After any id."""

router = APIRouter(tags=["alerts"], responses=documented(400, 401, 403, 404, 503))

OfSite = Annotated[Reference | None, Query(description="Only this site's rules.")]
OneSite = Annotated[Reference | None, Query(description="The site; may be left out where the key is bound to one.")]


@router.get("/alerts", summary="The alert rules")
async def list_rules(
    key: Reader, parts: With, site_id: OfSite = None, limit: Limit = USUAL, cursor: Cursor = None
) -> Page[AlertStanding]:
    """By id, those of the key's site or of all sites of the organisation, each with where it stands."""
    after = decode(cursor)
    site = key.site_id if site_id is None else (await found_site(parts, key, site_id)).id
    found = await parts.stored(lambda store: store.rules.list(key.organisation, site, limit + 1, after))
    page = page_of(found, limit, lambda rule: rule.id)
    return Page(data=await standing(parts, page.data), next_cursor=page.next_cursor)


@router.post("/alerts", status_code=201, summary="Make an alert rule", responses=documented(409))
async def create_rule(key: Watcher, parts: With, wanted: AlertRequest) -> AlertRecord:
    """It looks at the minute in which it is made, and at all after that."""
    site = own_site(key, wanted.site_id)
    values = {"name": wanted.name, "enabled": wanted.enabled, "definition": definition_of(wanted)}
    return told(await parts.stored(lambda store: store.rules.create(key.organisation, site, values, now_ms())))


@router.get("/alerts/history", summary="What rules told")
async def all_history(
    request: Request, key: Reader, parts: With, site_id: OneSite = None, limit: Limit = USUAL, cursor: Cursor = None
) -> Page[Occurrence]:
    """Of one site, the latest first."""
    site = await found_site(parts, key, site_id)
    return await _history(request, parts, site.id, "", limit, cursor)


@router.post("/alerts/backtest", summary="Try a rule that is not kept over stored minutes")
async def try_rule(request: Request, key: Reader, parts: With, trial: Trial) -> Backtest:
    """Each minute counts as it stands now, late events included; what a running minute told early is told with its end."""
    site = await found_site(parts, key, trial.site_id)
    return await _tried(request, parts, site.id, trial.rule, trial.days)


@router.get("/alerts/{rule_id}", summary="An alert rule")
async def get_rule(key: Reader, parts: With, rule_id: Reference) -> AlertStanding:
    """With where it stands. A rule of another organisation answers as one that does not exist."""
    [found] = await standing(parts, [await _found(parts, key, rule_id)])
    return found


@router.put("/alerts/{rule_id}", summary="Replace an alert rule", responses=documented(409))
async def replace_rule(key: Watcher, parts: With, rule_id: Reference, wanted: AlertRequest) -> AlertRecord:
    """A rule that watches something else begins anew with the minute of the change; what fires goes on until it is over."""
    rule = await _found(parts, key, rule_id)
    if wanted.site_id not in (None, rule.site):
        raise BadParameter("site_id", "a rule stays with its site: make a new one for another")
    values = {"name": wanted.name, "enabled": wanted.enabled, "definition": definition_of(wanted)}
    return told(
        await parts.stored(lambda store: store.rules.change(key.organisation, key.site_id, rule_id, values, now_ms()))
    )


@router.patch("/alerts/{rule_id}", summary="Name, switch, mute or snooze an alert rule", responses=documented(409))
async def change_rule(key: Watcher, parts: With, rule_id: Reference, change: AlertChange) -> AlertRecord:
    """While a rule is muted or snoozed it does not begin to fire; what still holds afterwards fires then."""
    values, now = change.model_dump(exclude_unset=True), now_ms()
    if change.snoozed_until is not None and change.snoozed_until <= now:
        raise BadParameter("snoozed_until", f"is over: it is {now} now; null ends a snooze")
    return told(
        await parts.stored(lambda store: store.rules.change(key.organisation, key.site_id, rule_id, values, now))
    )


@router.delete("/alerts/{rule_id}", status_code=204, summary="Remove an alert rule", responses=documented(409))
async def remove_rule(key: Watcher, parts: With, rule_id: Reference) -> Response:
    """What it told stays; what it told last is told to be over. Refused while another rule depends on it."""
    await parts.stored(lambda store: store.rules.archive(key.organisation, key.site_id, rule_id, now_ms()))
    return Response(status_code=204)


@router.post("/alerts/{rule_id}/test", status_code=202, summary="Tell of a rule to try it out")
async def test_rule(key: Watcher, parts: With, rule_id: Reference) -> Tested:
    """Whoever is told when the rule fires is told now, with `test` true. The rule itself stays as it is."""
    rule = await _found(parts, key, rule_id)
    definition = Rule.model_validate(rule.definition)
    notice = notice_of(rule.site, rule.id, rule.name, definition.severity, definition.window_minutes, now_ms())
    await to_thread.run_sync(tell, parts.kafka_url, notice)
    return Tested(id=notice.id)


@router.post("/alerts/{rule_id}/backtest", summary="Try a rule over stored minutes")
async def backtest_rule(
    request: Request, key: Reader, parts: With, rule_id: Reference, span: Span | None = None
) -> Backtest:
    """How often it would have fired. Each minute counts as it stands now, late events included."""
    rule = await _found(parts, key, rule_id)
    definition, days = Rule.model_validate(rule.definition), (span or Span(days=7)).days
    return await _tried(request, parts, rule.site, definition, days)


@router.get("/alerts/{rule_id}/history", summary="What a rule told")
async def rule_history(
    request: Request, key: Reader, parts: With, rule_id: Reference, limit: Limit = USUAL, cursor: Cursor = None
) -> Page[Occurrence]:
    """The latest first."""
    rule = await _found(parts, key, rule_id)
    return await _history(request, parts, rule.site, rule.id, limit, cursor)


async def _found(parts: Parts, key: Key, rule_id: str) -> AlertRule:
    return await parts.stored(lambda store: store.rules.get(key.organisation, key.site_id, rule_id))


async def _tried(request: Request, parts: Parts, site: str, rule: Rule, days: int) -> Backtest:
    turns = parts.backtest_turns
    return await answered(request, parts, lambda client: tried(client, site, rule, days, now_ms()), turns)


async def _history(
    request: Request, parts: Parts, site: str, rule: str, limit: int, cursor: str | None
) -> Page[Occurrence]:
    before, last = _place(decode(cursor))
    found = await answered(request, parts, lambda client: history(client, site, rule, limit + 1, before, last))
    return page_of([_occurrence(past) for past in found], limit, lambda each: f"{each.at}:{each.id}")


def _place(place: str) -> tuple[int, str]:
    moment, _, last = place.partition(":")
    if not place:
        return MAX_MS, LAST
    if not moment.isdecimal() or len(moment) > 15:
        raise BadParameter("cursor", "is not one that a page gave")
    return int(moment), last


def _occurrence(past: Past) -> Occurrence:
    same = {
        name: getattr(past, name) for name in ("id", "at", "kind", "rule_id", "rule", "severity", "value", "reason")
    }
    return Occurrence(
        **same,
        group=past.group or None,
        expected=Expected(low=past.low, high=past.high),
        window=Window(start=past.window_start, end=past.window_end),
        test=past.test,
    )
