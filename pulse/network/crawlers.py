"""Bots by their user agents: a name, a kind, and the provider that a crawler claims to come from."""

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

from msgspec import MsgspecError, Struct, json
from ua_parser import Domain
from ua_parser.matchers import UserAgentMatcher
from ua_parser.regex import Resolver

from pulse.anycase import AnyCase
from pulse.errors import PulseError
from pulse.network.found import Found
from pulse.network.kind import BotKind, Claim

NAME = "crawlers.json"
LONGEST_NAME = 64

KINDS = {
    "search-engine": BotKind.search,
    "ai-crawler": BotKind.ai,
    "social-preview": BotKind.preview,
    "monitoring": BotKind.monitor,
    "seo": BotKind.seo,
    "advertising": BotKind.ads,
    "feed-reader": BotKind.feed,
    "archiver": BotKind.archive,
    "academic": BotKind.research,
    "scanner": BotKind.scanner,
    "browser-automation": BotKind.automation,
    "http-library": BotKind.library,
}
"""The words of `crawler-user-agents`."""

CLAIMS = tuple(
    (provider, AnyCase(signs))
    for provider, signs in (
        (
            "Googlebot",
            r"googlebot|google-inspectiontool|googleother|storebot-google|adsbot-google|mediapartners-google",
        ),
        ("Bingbot", r"bingbot|msnbot|adidxbot|bingpreview"),
        ("Applebot", r"applebot"),
        ("Amazonbot", r"amazonbot"),
        ("GPTBot", r"gptbot|oai-searchbot|chatgpt-user"),
        ("ClaudeBot", r"claudebot|claude-user|claude-searchbot"),
        ("PerplexityBot", r"perplexitybot|perplexity-user"),
        ("DuckDuckBot", r"duckduckbot|duckassistbot"),
        ("Meta", r"facebookexternalhit|facebookcatalog|facebookbot|meta-external"),
        ("Common Crawl", r"\bccbot"),
        ("Internet Archive", r"archive\.org_bot"),
    )
)
"""The providers of whose crawlers ranges are known, by the names that those ranges have, and what the crawlers call themselves."""

CLAIMING = AnyCase("", "bot", "google", "bing", "chatgpt", "claude", "perplexity", "facebook", "meta-external")
"""One of these is in whatever claims to be a crawler, so that each need not be looked for."""
_EDGES = " /;:()^$,"
_PLAIN = re.compile(r"\\(.)")
_SPECIAL = re.compile(r"(?<!\\)[\[\](){}|?*+.^$]")


class Entry(Struct, frozen=True):
    """A crawler: the pattern that its user agents fit, its name and kind."""

    pattern: str
    name: str
    kind: BotKind


class Bot(NamedTuple):
    """What a user agent says of a bot: empty where it names none that is known."""

    name: str = ""
    kind: str = ""
    claims: str = ""


NO_BOT = Bot()


def entries_of(listed: bytes) -> list[Entry]:
    """The entries of the package's list; raises PulseError if it is none. Patterns that cannot be matched are left out."""
    try:
        found: list[dict[str, Any]] = json.decode(listed, type=list[dict[str, Any]])
        made = [_entry(each["pattern"], each.get("instances") or [], each.get("tags") or []) for each in found]
    except (MsgspecError, KeyError, TypeError, AttributeError) as error:
        raise PulseError(f"crawler-user-agents is not the list that Pulse reads: {error!r}") from None
    return [entry for entry in made if entry is not None]


def _entry(pattern: str, instances: Sequence[str], tags: Sequence[str]) -> Entry | None:
    pattern = pattern.replace("\\/", "/")
    try:
        Resolver(([UserAgentMatcher(pattern, "0")], [], []))
        name = _name(pattern, instances)
    except (ValueError, re.error):
        return None
    kind = next((KINDS[tag] for tag in tags if tag in KINDS), BotKind.other)
    return Entry(pattern, name[:LONGEST_NAME], kind)


def _name(pattern: str, instances: Sequence[str]) -> str:
    """The pattern itself where it is plain text, else what it finds in the first example."""
    bare = pattern.strip("^$")
    if not _SPECIAL.search(bare):
        return _PLAIN.sub(r"\1", bare).strip(_EDGES)
    found = next(filter(None, (re.search(pattern, each) for each in instances)), None)
    return (found.group(0) if found else _PLAIN.sub(r"\1", bare)).strip(_EDGES)


class Crawlers:
    """Names bots; `entries` come first to last."""

    def __init__(self, entries: Sequence[Entry] = ()) -> None:
        self._entries = entries
        self._resolver = Resolver(([UserAgentMatcher(each.pattern, str(n)) for n, each in enumerate(entries)], [], []))

    def __len__(self) -> int:
        return len(self._entries)

    def named(self, user_agent: str) -> Bot:
        """What a user agent says."""
        found = self._resolver(user_agent, Domain.USER_AGENT).user_agent
        claims = claimed(user_agent)
        if found is None:
            return Bot(claims=claims) if claims else NO_BOT
        entry = self._entries[int(found.family)]
        return Bot(entry.name, entry.kind.value, claims)


def claimed(user_agent: str) -> str:
    """The provider that a crawler claims to come from; the patterns are tried on those few alone that may fit one."""
    if not CLAIMING.is_in(user_agent):
        return ""
    return next((provider for provider, sign in CLAIMS if sign.is_in(user_agent)), "")


def read(path: Path) -> Crawlers:
    """The crawlers of a file that `write` made; raises PulseError."""
    try:
        return Crawlers(json.decode(path.read_bytes(), type=list[Entry]))
    except (OSError, MsgspecError, ValueError) as error:
        raise PulseError(f"{path} cannot be read ({error}): `pulse geo update` makes it anew") from None


def write(path: Path, entries: Sequence[Entry]) -> None:
    """Write them in place of others."""
    beside = path.with_suffix(".new")
    beside.write_bytes(json.format(json.encode(entries), indent=0))
    beside.replace(path)


def claim_of(provider: str, found: Found, homes: frozenset[int]) -> str:
    """What an address says of who claims to be a provider's crawler; `homes` are the systems that the crawler comes from."""
    if not provider or not homes or not found.network:
        return ""
    if found.source == provider:
        return Claim.verified.value
    return Claim.spoofed.value if found.asn and found.asn not in homes else ""
