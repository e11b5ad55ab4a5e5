"""Bodies in the forms that well-known receivers take."""

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple
from urllib.parse import quote

from msgspec import json

from pulse.notice import Notice
from pulse.outbound.summary import Summary, iso, summary_of

ROUTING_KEY = "x-routing-key"
"""The header in which an endpoint keeps PagerDuty's integration key, which that wants in the body."""

_COLOURS = {"critical": 0xB71C1C, "error": 0xE53935, "warning": 0xFB8C00, "info": 0x1E88E5}
_GREEN = 0x43A047
_PRIORITIES = {"critical": "P1", "error": "P2", "warning": "P3", "info": "P5"}


class Payload(NamedTuple):
    """What is sent; `path` is put behind the endpoint's own path."""

    body: bytes
    path: str = ""


def render(template: str, notice: Notice, headers: Mapping[str, str]) -> Payload:
    """A notice in the form of a template, one of `TEMPLATES`; `headers` are those of the endpoint, in lower case."""
    if template == "json":
        return Payload(json.encode(plain(notice)))
    summary = summary_of(notice)
    body = TEMPLATES[template](notice, summary, headers)
    is_end = template == "opsgenie" and summary.resolved
    return Payload(
        json.encode(body), f"/{quote(_alias(summary), safe='')}/close?identifierType=alias" if is_end else ""
    )


def plain(notice: Notice) -> dict[str, Any]:
    """The notice itself."""
    return {
        "id": notice.id,
        "event_type": notice.kind,
        "site_id": notice.site_id,
        "timestamp": iso(notice.at),
        "at": notice.at,
        "data": notice.data,
    }


def slack(_: Notice, told: Summary, __: Mapping[str, str]) -> dict[str, Any]:
    """An incoming webhook of Slack, or of what takes the same (Mattermost, Rocket.Chat)."""
    fields = [{"type": "mrkdwn", "text": f"*{_slack(name)}*\n{_slack(value)}"} for name, value in told.facts]
    title = {"type": "header", "text": {"type": "plain_text", "text": told.title[:150]}}
    return {"text": _slack(told.title), "blocks": [title, {"type": "section", "fields": fields}]}


def discord(_: Notice, told: Summary, __: Mapping[str, str]) -> dict[str, Any]:
    """A webhook of Discord; nobody is mentioned, whatever a name holds."""
    embed = {
        "title": told.title[:256],
        "color": _GREEN if told.resolved else _COLOURS[told.severity],
        "timestamp": told.at,
        "fields": [{"name": name, "value": _unlinked(value) or "-", "inline": True} for name, value in told.facts],
    }
    return {"embeds": [embed], "allowed_mentions": {"parse": []}}


def teams(_: Notice, told: Summary, __: Mapping[str, str]) -> dict[str, Any]:
    """A workflow of Microsoft Teams: an adaptive card."""
    card = {
        "$schema": "http://adaptivecards.io/schemas/adaptive-card.json",
        "type": "AdaptiveCard",
        "version": "1.4",
        "body": [
            {"type": "TextBlock", "text": told.title, "weight": "Bolder", "size": "Medium", "wrap": True},
            {"type": "FactSet", "facts": [{"title": name, "value": _unlinked(value)} for name, value in told.facts]},
        ],
    }
    attachment = {"contentType": "application/vnd.microsoft.card.adaptive", "content": card}
    return {"type": "message", "attachments": [attachment]}


def pagerduty(notice: Notice, told: Summary, headers: Mapping[str, str]) -> dict[str, Any]:
    """The Events API v2 of PagerDuty: what resolves an alert resolves the incident."""
    return {
        "routing_key": headers.get(ROUTING_KEY, ""),
        "event_action": "resolve" if told.resolved else "trigger",
        "dedup_key": told.key[:255],
        "payload": {
            "summary": told.title[:1024],
            "source": notice.site_id,
            "severity": told.severity,
            "timestamp": told.at,
            "custom_details": notice.data,
        },
    }


def opsgenie(notice: Notice, told: Summary, _: Mapping[str, str]) -> dict[str, Any]:
    """The alerts API of Opsgenie (`…/v2/alerts`): what resolves an alert closes it."""
    if told.resolved:
        return {"source": "pulse", "note": told.title}
    return {
        "message": told.title[:130],
        "alias": _alias(told),
        "source": "pulse",
        "entity": notice.site_id,
        "priority": _PRIORITIES[told.severity],
        "details": dict(told.facts),
    }


TEMPLATES: Mapping[str, Callable[[Notice, Summary, Mapping[str, str]], dict[str, Any]]] = {
    "json": lambda notice, *_: plain(notice),
    "slack": slack,
    "discord": discord,
    "teams": teams,
    "pagerduty": pagerduty,
    "opsgenie": opsgenie,
}


def _slack(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _unlinked(text: str) -> str:
    """A text in which nobody has written a link that reads as another one; a space of no width comes between."""
    return text.replace("](", "]\u200b(")


def _alias(told: Summary) -> str:
    return told.key[:512]
