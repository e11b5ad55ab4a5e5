"""Acquisition channels: how a visitor came, told by campaign, referrer and click id, as analysts group it by default."""

from functools import lru_cache

SEARCH = (
    "google bing yahoo duckduckgo yandex baidu ecosia qwant startpage brave naver seznam sogou ask ask.com aol aol.com lycos "
    "presearch mojeek daum so coccoc kagi search.brave.com search.yahoo.com ya.ru so.com"
)
SOCIAL = (
    "facebook fb instagram ig twitter x linkedin reddit pinterest tumblr tiktok snapchat threads mastodon bluesky vk "
    "weibo wechat whatsapp telegram discord quora medium xing ok slack news.ycombinator.com lnkd.in t.co t.me bsky.app "
    "x.com out.reddit.com l.facebook.com lm.facebook.com mastodon.social threads.net threads.com ok.ru vk.com hackernews"
)
VIDEO = "youtube vimeo dailymotion twitch netflix hulu bilibili rumble youtu.be player.twitch.tv"
SHOPPING = (
    "amazon ebay etsy aliexpress alibaba walmart shopping.google.com shopping.yahoo.com shopzilla idealo mercadolibre "
    "rakuten zalando"
)
EMAIL = (
    "email e-mail e_mail newsletter gmail mail.google.com outlook.live.com outlook.office.com outlook.office365.com "
    "mail.yahoo.com mail.aol.com mail.proton.me webmail mailchimp"
)
ASSISTANT = (
    "chatgpt chatgpt.com chat.openai.com perplexity perplexity.ai claude.ai gemini.google.com copilot.microsoft.com "
    "chat.deepseek.com chat.mistral.ai meta.ai grok.com poe.com you.com phind.com"
)

KINDS: dict[str, str] = {
    name: kind
    for kind, names in (
        ("search", SEARCH),
        ("social", SOCIAL),
        ("video", VIDEO),
        ("shopping", SHOPPING),
        ("email", EMAIL),
        ("assistant", ASSISTANT),
    )
    for name in names.split()
}
"""What a source is, by its host, or by the bare name of its brand under any country's domain."""

SECOND_LEVEL = frozenset({"co", "com", "org", "net", "ac", "gov", "edu", "ne", "or"})

LEAST_BRAND = 4
"""Shorter names mean a brand only under the domains that are listed: x.com, not x.org."""

PAID_CLICKS = {
    "gclid": "search",
    "gbraid": "search",
    "wbraid": "search",
    "msclkid": "search",
    "ttclid": "social",
    "dclid": "display",
}
"""Parameters that an advertising network adds to an address, each with what was paid for."""

MEDIUMS: dict[str, str] = {
    medium: channel
    for channel, mediums in (
        ("display", ("display", "banner", "expandable", "interstitial", "cpm")),
        ("organic social", ("social", "social-network", "social-media", "sm", "social network", "social media")),
        ("organic search", ("organic",)),
        ("email", ("email", "e-mail", "e_mail", "e mail", "newsletter")),
        ("affiliates", ("affiliate", "affiliates")),
        ("referral", ("referral", "app", "link")),
        ("audio", ("audio",)),
        ("sms", ("sms",)),
        ("push", ("push", "mobile", "notification")),
        ("assistant", ("ai-assistant",)),
    )
    for medium in mediums
}

NOTHING = frozenset({"", "direct", "(direct)", "none", "(none)", "(not set)"})
VAGUE = frozenset({"organic", "referral", "link", "app"})
"""Mediums that say less than a source that is known."""

ORGANIC = {
    "shopping": "organic shopping",
    "social": "organic social",
    "video": "organic video",
    "search": "organic search",
    "assistant": "assistant",
    "email": "email",
}


@lru_cache(maxsize=16_384)
def channel(source: str, medium: str, campaign: str, referrer_host: str, click: str = "") -> str:
    """The channel of a visit: `direct`, `organic search`, `paid social`, `email`, `referral`, ….

    `source`, `medium` and `campaign` are the campaign's, `referrer_host` is empty for the site's own,
    `click` is the name of an advertising network's parameter in the address. The first rule that fits
    decides; what names a campaign that no rule knows is `unassigned`.
    """
    source, medium, campaign = source.lower().strip(), medium.lower().strip(), campaign.lower()
    if source in NOTHING and medium in NOTHING and not (campaign or referrer_host or click):
        return "direct"
    if "cross-network" in campaign:
        return "cross-network"
    kind = kind_of(source or referrer_host) or ("shopping" if "shopping" in campaign else "")
    if is_paid(medium) or click in PAID_CLICKS:
        return _paid(kind or PAID_CLICKS.get(click, ""), medium)
    return _unpaid(kind, source, medium, referrer_host)


@lru_cache(maxsize=16_384)
def kind_of(source: str) -> str:
    """What a source is: `search`, `social`, `video`, `shopping`, `email`, `assistant`, or empty."""
    if source in KINDS:
        return KINDS[source]
    labels = source.split(".")
    for i in range(1, len(labels) - 1):
        kind = KINDS.get(".".join(labels[i:]))
        if kind:
            return kind
    brand = _brand(labels) if len(labels) > 1 else ""
    return KINDS.get(brand, "") if len(brand) >= LEAST_BRAND else ""


def is_paid(medium: str) -> bool:
    """Whether a campaign's medium says that the visit was paid for: `cpc`, `ppc`, `paid_social`, …."""
    return "cp" in medium or medium in ("ppc", "retargeting") or medium.startswith("paid")


def _brand(labels: list[str]) -> str:
    own = labels[:-1]
    return own[-2] if len(own) > 1 and own[-1] in SECOND_LEVEL else own[-1]


def _paid(kind: str, medium: str) -> str:
    if kind in ("shopping", "search", "social", "video"):
        return f"paid {kind}"
    if kind == "display" or MEDIUMS.get(medium) == "display":
        return "display"
    return "paid other"


def _unpaid(kind: str, source: str, medium: str, referrer_host: str) -> str:
    named = MEDIUMS.get(medium)
    if named and not (kind and medium in VAGUE):
        return named
    if "video" in medium:
        return "organic video"
    if kind:
        return ORGANIC[kind]
    if source in ("sms", "firebase"):
        return "sms" if source == "sms" else "push"
    if medium.endswith("push"):
        return "push"
    return "referral" if referrer_host else "unassigned"
