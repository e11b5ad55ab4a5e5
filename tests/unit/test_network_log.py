"""The crawlers of a real access log of 10,000 requests: by its user agents, each with how often it came, and of the list those that fit any."""

import re
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from pulse.network import crawlers
from pulse.settings import Settings
from streams.memory import Memory
from streams.refinement import refine, steps_of
from tests.unit.streams_events import DAY, LOG, kept, raw, taken

DATA = Path(__file__).parents[1] / "data"
DOCS = Path(__file__).parents[2] / "docs" / "network.md"
ROW = re.compile(r"^\| `(\w+)` \| ([\d,]+) \| ([\d,]+) \| \d+ \| \d+ \|$", re.MULTILINE)
ALL = re.compile(r"^\| all \| ([\d,]+) \|", re.MULTILINE)

Request = tuple[str, int, dict[str, Any]]
"""A user agent, how often it came, and what is told of it."""


@pytest.fixture(scope="module")
def requests(tmp_path_factory: pytest.TempPathFactory) -> list[Request]:
    """What refinement tells of each."""
    folder = tmp_path_factory.mktemp("networks")
    crawlers.write(folder / crawlers.NAME, crawlers.entries_of((DATA / "crawlers.json").read_bytes()))
    steps = steps_of(Settings(secret="a secret of the tests", networks=str(folder)))
    agents = [line.split("\t") for line in (DATA / "agents.tsv").read_text().splitlines()]
    events = [raw(event="request", user_agent=agent, imported=True) for _, agent in agents]
    made = refine(taken(*events), LOG, Memory(DAY), steps)
    assert made is not None
    return [(agent, int(number), told) for (number, agent), told in zip(agents, kept(made), strict=True)]


def _bots(requests: list[Request]) -> list[Request]:
    return [each for each in requests if each[2].get("bot")]


def test_bots_are_counted_by_kind_and_name_as_the_documentation_says(requests: list[Request]) -> None:
    documented = DOCS.read_text()
    assert sum(number for _, number, _ in requests) == 10_000
    counts: Counter[str] = Counter()
    for _, number, told in _bots(requests):
        counts[told["bot_kind"]] += number
    names = {kind: {t.get("bot_name", "") for _, _, t in _bots(requests) if t["bot_kind"] == kind} for kind in counts}
    assert {kind: (f"{number:,}", str(len(names[kind]))) for kind, number in counts.items()} == {
        kind: (number, several) for kind, number, several in ROW.findall(documented)
    }
    assert ALL.findall(documented) == [f"{counts.total():,}"]


def test_who_calls_itself_a_crawler_is_marked_by_its_name(requests: list[Request]) -> None:
    said = {
        "Googlebot/": ("Googlebot", "search"),
        "bingbot/": ("bingbot", "search"),
        "YandexBot/": ("YandexBot", "search"),
        "Baiduspider/": ("Baiduspider", "search"),
        "Tiny Tiny RSS/": ("Tiny Tiny RSS", "feed"),
        "AhrefsBot/": ("AhrefsBot", "seo"),
        "Twitterbot/": ("Twitterbot", "preview"),
        "ia_archiver": ("ia_archiver", "archive"),
        "curl/": ("curl", "library"),
        "PhantomJS/": ("PhantomJS", "automation"),
    }
    for sign, told in said.items():
        own = [told for agent, _, told in requests if sign in agent]
        assert own, sign
        assert {(each["bot"], each["bot_name"], each["bot_kind"]) for each in own} == {(True, *told)}, sign


def test_browsers_of_people_are_no_bots(requests: list[Request]) -> None:
    words = "AppleWebKit|Chrome|Version|Mobile|Safari|Gecko|Firefox|OPR"
    browser = re.compile(rf"Mozilla/5\.0 \([^()]+\)( ({words})/[\w.]+( \(KHTML, like Gecko\))?)+")
    people = [(agent, told) for agent, _, told in requests if browser.fullmatch(agent)]
    assert len(people) > 200
    assert [agent for agent, told in people if told.get("bot")] == []
