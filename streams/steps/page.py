"""Where, and how the visitor came there: page, referrer, campaign, channel."""

from functools import lru_cache
from urllib.parse import parse_qsl, urlsplit

from pulse.channel import PAID_CLICKS, channel
from pulse.event import RefinedEvent
from streams.steps.step import NO_PAGE, Arrival, Page

REMEMBERED = 32_768
MOST_TEXT = 255
CAMPAIGN = ("utm_source", "utm_medium", "utm_campaign", "utm_term", "utm_content")
QUERY_SIGNS = ("utm_", "clid", "braid", "ref=", "source=")
"""An address whose query has none of these names no campaign, and its query need not be read."""


@lru_cache(maxsize=REMEMBERED)
def page_of(url: str) -> Page:
    """Host, path, campaign and click of an address; what is no address tells nothing."""
    try:
        parts = urlsplit(url)
        host = (parts.hostname or "")[:MOST_TEXT]
    except ValueError:
        return NO_PAGE
    path = parts.path or ("/" if host else "")
    if not any(sign in parts.query for sign in QUERY_SIGNS):
        return Page(host, path)
    query = _first_values(parts.query)
    campaign = tuple(query.get(name, "")[:MOST_TEXT] or None for name in CAMPAIGN)
    if campaign[0] is None and (source := query.get("ref") or query.get("source")):
        campaign = (source[:MOST_TEXT], *campaign[1:])
    click = next((name for name in PAID_CLICKS if name in query), "")
    return Page(host, path, campaign if any(campaign) else None, click)


def _first_values(query: str) -> dict[str, str]:
    try:
        return dict(reversed(parse_qsl(query, errors="replace")))
    except ValueError:
        return {}


@lru_cache(maxsize=REMEMBERED)
def referrer_host_of(referrer: str, host: str) -> str:
    """The referrer's host without `www.`, empty if it is the page's own site."""
    found = page_of(referrer).host.removeprefix("www.")
    return "" if found == host.removeprefix("www.") else found


def put_page(event: RefinedEvent, arrival: Arrival) -> None:
    """Host and path of the url."""
    page = arrival.page = page_of(event.url) if event.url else NO_PAGE
    event.host, event.path = page.host, page.path


def put_referrer(event: RefinedEvent, arrival: Arrival) -> None:
    """Host of the referrer."""
    event.referrer_host = referrer_host_of(event.referrer, event.host) if event.referrer else ""


def put_campaign(event: RefinedEvent, arrival: Arrival) -> None:
    """What the client says of the campaign, else what the url says."""
    campaign = arrival.page.campaign
    if campaign is None:
        return
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


def put_channel(event: RefinedEvent, arrival: Arrival) -> None:
    """The acquisition channel; empty for what is no visit: neither page nor referrer nor campaign."""
    source, medium, name = event.utm_source or "", event.utm_medium or "", event.utm_campaign or ""
    is_visit = event.url or event.referrer_host or source or medium or name
    event.channel = channel(source, medium, name, event.referrer_host, arrival.page.click) if is_visit else ""
