"""Crawlers: by which name they go, and whether their address bears it out."""

from pathlib import Path

import pytest

from pulse.errors import PulseError
from pulse.network import crawlers
from pulse.network.crawlers import Bot, Crawlers, Entry, claim_of
from pulse.network.finder import Finder
from pulse.network.found import NOWHERE
from pulse.network.kind import BotKind
from tests import networks


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder that is built of the packages; nobody writes there."""
    return networks.built(tmp_path_factory.mktemp("world"))


@pytest.fixture(scope="module")
def named(world: Path) -> Crawlers:
    return crawlers.read(world / crawlers.NAME)


@pytest.mark.parametrize(
    ("agent", "bot"),
    [
        ("Mozilla/5.0 (compatible; Googlebot/2.1)", Bot("Googlebot", "search", "Googlebot")),
        ("Tiny Tiny RSS/1.11", Bot("Tiny Tiny RSS", "feed")),
        ("example-bot", Bot("sample-Bot", "seo")),
        ("python-requests/2.31", Bot("python-requests", "library")),
        ("msnbot/2.0b", Bot("", "", "Bingbot")),
        ("Mozilla/5.0 (X11; Linux x86_64)", Bot()),
        ("", Bot()),
    ],
)
def test_bots_are_named(named: Crawlers, agent: str, bot: Bot) -> None:
    assert named.named(agent) == bot


def test_a_pattern_that_cannot_be_matched_is_left_out(named: Crawlers) -> None:
    assert len(named) == len(networks.CRAWLERS) - 1


def test_without_a_list_claims_are_still_seen() -> None:
    assert Crawlers().named("Googlebot/2.1") == Bot("", "", "Googlebot")
    assert Crawlers([Entry("x", "X", BotKind.other)]).named("a") == Bot()


@pytest.mark.parametrize(
    "listed", [b"", b"{}", b"[{}]", b'[{"pattern": 1}]', b'[{"pattern": "(x|y)", "instances": 1}]']
)
def test_another_list_is_said_so(listed: bytes) -> None:
    with pytest.raises(PulseError, match="not the list that Pulse reads"):
        crawlers.entries_of(listed)


def test_a_claim_is_verified_by_range_and_refuted_by_system(world: Path) -> None:
    finder = Finder(world)
    homes = finder.homes("Googlebot")
    assert homes == {64502}
    said = {
        address: claim_of("Googlebot", finder.find(address), homes)
        for address in ("192.0.2.40", "192.0.2.1", "198.51.100.1", "10.0.0.1")
    }
    assert said == {"192.0.2.40": "verified", "192.0.2.1": "", "198.51.100.1": "spoofed", "10.0.0.1": ""}
    assert claim_of("Bingbot", finder.find("198.51.100.1"), finder.homes("Bingbot")) == ""
    assert claim_of("Googlebot", NOWHERE, homes) == ""
