"""What visitors do: pages, products, and the way from looking to buying."""

from functools import cache
from typing import NamedTuple

from msgspec import json

SITE = "https://demo.example"

PAGES = [
    ("/", "Home"),
    ("/pricing", "Pricing"),
    ("/features", "Features"),
    ("/about", "About us"),
    ("/contact", "Contact"),
    ("/docs", "Documentation"),
    ("/docs/install", "Installation"),
    ("/docs/first-steps", "First steps"),
    ("/shop", "Shop"),
    ("/shop/new", "New arrivals"),
    *(
        (f"/blog/{slug.replace(' ', '-')}", slug.capitalize())
        for slug in (
            "ten things we learned",
            "why minutes matter",
            "a year in numbers",
            "the quiet release",
            "how we test",
            "small tools",
            "what a visit is",
            "a note on time",
            "reading logs",
            "on counting",
        )
    ),
]
PRODUCTS = [
    f"{colour} {thing}"
    for colour in ("Red", "Blue", "Green", "Black")
    for thing in ("lamp", "chair", "desk", "shelf", "clock", "rug", "vase", "mirror")
]

ARRIVALS = [
    # weight, referrer, query of the first page
    (36, "", ""),
    (27, "https://www.google.com/", ""),
    (4, "https://www.bing.com/", ""),
    (4, "https://duckduckgo.com/", ""),
    (5, "https://www.facebook.com/", ""),
    (3, "https://news.ycombinator.com/", ""),
    (3, "https://github.com/", ""),
    (6, "", "?utm_source=newsletter&utm_medium=email&utm_campaign=spring"),
    (7, "https://www.google.com/", "?utm_source=google&utm_medium=cpc&utm_campaign=brand&utm_term=analytics"),
    (3, "https://www.instagram.com/", "?utm_source=instagram&utm_medium=social&utm_campaign=launch"),
    (2, "https://partner.example/", "?utm_source=partner&utm_medium=referral&utm_content=banner"),
]

FUNNEL = ("product_view", "add_to_cart", "checkout", "purchase")
NEXT = {
    # what follows what, in 64ths
    "page_view": [(34, "page_view"), (18, "product_view"), (7, "click"), (4, "search"), (1, "signup")],
    "click": [(48, "page_view"), (16, "product_view")],
    "search": [(24, "page_view"), (40, "product_view")],
    "signup": [(64, "page_view")],
    "product_view": [(22, "product_view"), (24, "page_view"), (18, "add_to_cart")],
    "add_to_cart": [(24, "product_view"), (8, "page_view"), (32, "checkout")],
    "checkout": [(24, "page_view"), (40, "purchase")],
    "purchase": [(64, "page_view")],
}
EVENTS = tuple(NEXT)
LENGTHS = [1] * 20 + [2] * 11 + [3] * 8 + [4] * 6 + [5] * 5 + [7] * 5 + [9] * 4 + [13] * 3 + [24] * 2
"""How many events a visit has, each as likely as any other: many see one page, few see many."""


class Step(NamedTuple):
    """One thing done: the event's name, the rest of its JSON, and the revenue in ten-thousandths."""

    event: str
    rest: str
    revenue: int = 0
    currency: str = ""


def _chain() -> dict[str, list[str]]:
    return {state: [then for share, then in ways for _ in range(share)] for state, ways in NEXT.items()}


CHAIN = _chain()


@cache
def landing(page: int, arrival: int) -> Step:
    """The first page of a visit, with where the visitor came from."""
    _, referrer, query = ARRIVALS[arrival]
    path, title = PAGES[page]
    given = {"url": f"{SITE}{path}{query}", "title": title} | ({"referrer": referrer} if referrer else {})
    return Step("page_view", _inside(given))


@cache
def step(event: str, choice: int, currency: str) -> Step:
    """An event of a visit under way; `choice` (0 to 255) picks the page or the product."""
    if event in FUNNEL:
        return _shop(event, choice % len(PRODUCTS), 1 + choice // 32 % 3, currency)
    path, title = PAGES[choice % len(PAGES)]
    given: dict[str, object] = {"url": SITE + path, "title": title, "referrer": f"{SITE}/"}
    if event == "search":
        given["properties"] = {"query": PRODUCTS[choice % len(PRODUCTS)].lower(), "results": choice % 9}
    if event == "click":
        given["properties"] = {"button": ("menu", "call to action", "video", "download")[choice % 4]}
    if event == "signup":
        given["properties"] = {"plan": ("free", "team", "business")[choice % 3]}
    return Step(event, _inside(given))


def _shop(event: str, product: int, quantity: int, currency: str) -> Step:
    name = PRODUCTS[product]
    cents = (1990 + product * 730) * (100 if currency == "JPY" else 1)
    url = f"{SITE}/shop/{name.lower().replace(' ', '-')}" if event in FUNNEL[:2] else f"{SITE}/{event}"
    given: dict[str, object] = {"url": url, "title": name, "referrer": f"{SITE}/shop"}
    given["properties"] = {"product": name, "price": cents / 100, "quantity": quantity}
    if event != "purchase":
        return Step(event, _inside(given))
    given |= {"revenue": cents * quantity / 100, "currency": currency}
    return Step(event, _inside(given), cents * quantity * 100, currency)


def _inside(fields: dict[str, object] | dict[str, str]) -> str:
    """The fields as JSON, without the braces."""
    return json.encode(fields).decode()[1:-1]
