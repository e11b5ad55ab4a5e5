"""How suspicious a lead is, of what is known of it and of whoever sent it."""

from collections.abc import Mapping
from typing import Any

from pulse.leads.personal import domain_of
from pulse.risk.pulsegate import Lead, engagement

COMPETITORS = "competitor_domains"
"""The setting of a site that lists domains of e-mail addresses."""


def known_of(
    email: str,
    honeypot: bool,
    seconds: float | None,
    forms_in_24h: int,
    settings: Mapping[str, Any],
) -> Lead:
    """What a form itself tells, and what came before it; of whoever sent it nothing is known yet."""
    return Lead(
        honeypot_filled=honeypot,
        seconds_to_submit=seconds,
        forms_in_24h=forms_in_24h,
        competitor_domain=is_among(domain_of(email), settings.get(COMPETITORS)),
    )


def engaged(seconds: float, scrolled: float, clicks: int, returns: int) -> int:
    """How much somebody did until then, 0 to 100."""
    return engagement(seconds, scrolled, clicks, returns).score


def is_among(domain: str, listed: Any) -> bool:
    """Whether a domain is among those listed, or below one; a setting that is no list lists none."""
    if not domain or not isinstance(listed, list):
        return False
    known = {each.strip().lower().lstrip("@.") for each in listed if isinstance(each, str)} - {""}
    return any(domain == each or domain.endswith(f".{each}") for each in known)
