"""docs/tracker.md names all that the tracker takes, tells and sends."""

import gzip
import re
from pathlib import Path

import msgspec
import pytest

from api.collector.app import FORMS
from api.collector.scripts import STATIC
from api.collector.track.bodies import Ended, Happening, SessionEnd, SessionStart, Started, Stored

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs" / "tracker.md").read_text()
SOURCES = {path.stem: path.read_text() for path in (ROOT / "tracker" / "src").glob("*.js")}
ALL = "\n".join(SOURCES.values())


def found(pattern: str, text: str = ALL) -> set[str]:
    """What a pattern's group finds; something, or the pattern is no longer one of the sources."""
    names = set(re.findall(pattern, text, re.MULTILINE))
    assert names
    return names


def test_each_event_is_named() -> None:
    for name in found(r'(?:emit|tell|track)\("(\w+)"'):
        assert f"| `{name}` |" in PAGE


def test_each_attribute_is_named() -> None:
    for name in found(r"data\.(\w+)", SOURCES["options"]) | found(r'"(\w+)" in data', SOURCES["options"]):
        assert f"| `data-{name}` |" in PAGE
    for name in found(r'\b(?:on|off)\.has\("(\w+)"\)'):
        assert f"`{name}`" in PAGE


def test_each_call_is_named() -> None:
    calls = SOURCES["api"].partition("page.pulse = {")[2].partition("};")[0]
    for name in found(r"^    (\w+)[:,]", calls):
        assert f"| `pulse.{name}(" in PAGE


def test_each_signal_of_a_device_is_named() -> None:
    signals = SOURCES["device"].partition("const lasting")[2]
    traces = found(r"^    (\w+):", SOURCES["automation"])
    for name in found(r"^    (\w+):", signals) | traces:
        assert f"`{name}`" in PAGE


def test_each_route_and_field_is_named() -> None:
    for path in FORMS:
        assert f"`{path}`" in PAGE or f"`POST {path}`" in PAGE
    for body in (SessionStart, Happening, SessionEnd, Started, Stored, Ended):
        for each in msgspec.structs.fields(body):
            assert re.search(rf"\b{each.name}\b", PAGE)


@pytest.mark.parametrize("path", sorted(STATIC.iterdir()), ids=lambda path: path.name)
def test_each_size_is_told(path: Path) -> None:
    (told,) = re.findall(rf"`/{path.name}` \| ([\d.]+) kB", PAGE)
    assert float(told) == pytest.approx(len(gzip.compress(path.read_bytes(), 9)) / 1000, abs=0.1)
