"""Where, and how the visitor came there: page, referrer, campaign, channel."""

from collections.abc import Sequence
from typing import Any, NamedTuple
from urllib.parse import parse_qsl, urlsplit

from pulse.channel import PAID_CLICKS, channel
from pulse.event import RefinedEvent
from streams.memo import Memo
from streams.steps.step import Arrival

REMEMBERED = 32_768
"""Addresses of pages."""
MOST_TEXT = 255
CAMPAIGN = ("utm_source", "utm_medium", "utm_campaign", "utm_term", "utm_content")
QUERY_SIGNS = ("utm_", "clid", "braid", "ref=", "source=")
"""An address whose query has none of these names no campaign, and its query need not be read."""


class Page(NamedTuple):
    """What a url tells; `campaign` holds the five utm values, `click` an advertising network's parameter, `site` is the host without `www.`.

    `refers` is the channel of who comes from there, and no campaign says otherwise.
    """

    host: str = ""
    path: str = ""
    campaign: tuple[str | None, ...] | None = None
    click: str = ""
    site: str = ""
    refers: str = channel("", "", "", "", "")


NO_PAGE: Any = tuple(Page())
DIRECT = Page().refers


def read_page(url: str) -> Page:
    """What is in an address; what is no address tells nothing."""
    try:
        parts = urlsplit(url)
        host = (parts.hostname or "")[:MOST_TEXT]
    except ValueError:
        return Page()
    path, site = parts.path or ("/" if host else ""), host.removeprefix("www.")
    if not any(sign in parts.query for sign in QUERY_SIGNS):
        return Page(host, path, site=site, refers=channel("", "", "", site, ""))
    query = _first_values(parts.query)
    campaign = tuple(query.get(name, "")[:MOST_TEXT] or None for name in CAMPAIGN)
    if campaign[0] is None and (source := query.get("ref") or query.get("source")):
        campaign = (source[:MOST_TEXT], *campaign[1:])
    click = next((name for name in PAID_CLICKS if name in query), "")
    return Page(host, path, campaign if any(campaign) else None, click, site, channel("", "", "", site, ""))


def _first_values(query: str) -> dict[str, str]:
    try:
        return dict(reversed(parse_qsl(query, errors="replace")))
    except ValueError:
        return {}


page_of: Memo[str, Any] = Memo(lambda url: tuple(read_page(url)), REMEMBERED // 2)
"""What addresses tell: a `Page` as a tuple like any other, which is taken apart twice as fast."""


def put_visit(event: RefinedEvent, arrival: Arrival) -> None:
    """Host and path of the url, the referrer's host unless it is the site's own, the url's word on the campaign, and the channel."""
    put_visits((event,), arrival)


def put_visits(events: Sequence[RefinedEvent], arrival: Arrival) -> bool:
    """The same of many. Where no campaign is named the referrer alone tells the channel."""
    for event in events:
        url, referrer = event.url, event.referrer
        host, path, campaign, click, site, _ = page_of[url] if url else NO_PAGE
        _, _, _, _, came_from, refers = page_of[referrer] if referrer else NO_PAGE
        if came_from == site:
            came_from, refers = "", DIRECT
        event.host, event.path, event.referrer_host = host, path, came_from
        if campaign is not None:
            put_campaign(event, campaign)
        if click or not url or event.utm_source or event.utm_medium or event.utm_campaign:
            refers = channel_of(event, came_from, click)
        event.channel = refers
    return True


def put_campaign(event: RefinedEvent, campaign: tuple[str | None, ...]) -> None:
    """The five utm values, each where the client named none."""
    source, medium, name, term, content = campaign
    if event.utm_source is None:
        event.utm_source = source
    if event.utm_medium is None:
        event.utm_medium = medium
    if event.utm_campaign is None:
        event.utm_campaign = name
    if event.utm_term is None:
        event.utm_term = term
    if event.utm_content is None:
        event.utm_content = content


def channel_of(event: RefinedEvent, referrer_host: str, click: str) -> str:
    """The acquisition channel; empty for what is no visit: neither page nor referrer nor campaign."""
    source, medium, name = event.utm_source or "", event.utm_medium or "", event.utm_campaign or ""
    is_visit = event.url or referrer_host or source or medium or name
    return channel(source, medium, name, referrer_host, click) if is_visit else ""
