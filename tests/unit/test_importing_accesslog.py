"""Access logs: every line of a real one parses, every other text says why it does not."""

from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pulse.importing import accesslog
from pulse.importing.accesslog import NotALine, milliseconds, parse
from pulse.importing.line import Broken, Found

SAMPLE = Path(__file__).parents[1] / "data" / "access.log"
LINES = SAMPLE.read_text().splitlines()
WHOLE = '192.0.2.1 - - [17/May/2015:10:05:03 +0000] "{}" 200 12 "{}" "{}"'


def test_a_line_becomes_a_request() -> None:
    event = parse(LINES[0])
    assert event == {
        "event": "request",
        "ts": 1431857103000,
        "url": "/talks/2013/images/search.png",
        "referrer": "http://www.example.org/talks/2013/",
        "user_agent": "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_9_1) AppleWebKit/537.36 (KHTML, like Gecko) "
        "Chrome/32.0.1700.77 Safari/537.36",
        "ip": "192.0.2.16",
        "properties": {"status": 200, "method": "GET", "bytes": 203023, "protocol": "HTTP/1.1"},
    }


def test_every_line_of_the_sample_parses() -> None:
    assert [parse(line)["properties"]["status"] for line in LINES] == (
        [200, 200, 200, 200, 404, 304, 200, 200, 200, 200, 200, 400, 408, 200, 200]
    )


@pytest.mark.parametrize(
    ("line", "field", "expected"),
    [
        (2, "referrer", r"http://\xe4\xe5\xe3\xf2\xff\xf0\xed\xee\xe5-\xec\xfb\xeb\xee.\xf0\xf4/"),
        (3, "user_agent", "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html"),
        (4, "url", "/doc/index.html?org/search/Response.html"),
        (5, "ip", "2001:db8::62"),
        (6, "user_agent", ""),
        (6, "referrer", ""),
        (9, "url", '/café?q="quoted"'),
        (9, "user_agent", r'an "agent" with \ and quotes'),
        (10, "url", '/search?q="raw"'),
        (11, "url", ""),
        (12, "url", ""),
        (13, "user_agent", ""),
        (10, "user_agent", 'Mozilla "raw" quotes'),
        (14, "user_agent", "curl/8.5.0"),
    ],
)
def test_oddities(line: int, field: str, expected: str) -> None:
    assert parse(LINES[line])[field] == expected


def test_a_size_that_is_not_given_is_none_sent() -> None:
    assert parse(LINES[5])["properties"]["bytes"] == 0


def test_a_hosts_name_is_a_visitor_of_that_day() -> None:
    today, later = LINES[13], LINES[13].replace("18/May", "19/May")
    assert "ip" not in parse(today)
    assert parse(today)["visitor_id"] == parse(today.replace("04:06:05", "23:00:00"))["visitor_id"]
    assert parse(today)["visitor_id"] != parse(later)["visitor_id"]


def test_the_base_goes_before_paths_alone() -> None:
    assert parse(LINES[5], "https://example.org")["url"] == "https://example.org/projects/tool/tool.xhtml"
    assert parse(LINES[12], "https://example.org")["url"] == ""


@pytest.mark.parametrize(
    ("time", "expected"),
    [
        ("17/May/2015:10:05:03 +0000", datetime(2015, 5, 17, 10, 5, 3, tzinfo=UTC)),
        ("17/May/2015:23:59:60 +0200", datetime(2015, 5, 17, 22, 0, tzinfo=UTC)),
        ("18/May/2015:04:06:01 -0330", datetime(2015, 5, 18, 7, 36, 1, tzinfo=UTC)),
        ("29/Feb/2024:00:00:00 +0000", datetime(2024, 2, 29, tzinfo=UTC)),
    ],
)
def test_times(time: str, expected: datetime) -> None:
    assert milliseconds(time) == int(expected.timestamp() * 1000)


@pytest.mark.parametrize("time", ["31/Feb/2015:10:05:03 +0000", "17/Mai/2015:10:05:03 +0000", "00/May/0000:00:00:00 +0000",
                                  "17/May/2015:24:05:03 +0000", "17/May/2015:10:05:03", "yesterday", "17/May/2015:10:05:03 +9900"])  # fmt: skip
def test_no_such_times(time: str) -> None:
    with pytest.raises(NotALine):
        milliseconds(time)


@pytest.mark.parametrize(
    "line",
    [
        "not a line",
        LINES[0][:60],
        LINES[0].replace(" 200 ", " OK "),
        LINES[0].split('"')[0],
        '192.0.2.1 - - [17/May/2015:10:05:03 +0000] "GET / HTTP/1.1" 200 12 "http://cut.exam',
        WHOLE.format("GET / HTTP/1.1", "-", "-").replace(" 12 ", f" {'9' * 5000} "),
    ],
)
def test_broken_lines_say_why(line: str) -> None:
    with pytest.raises(NotALine, match=r"\w"):
        parse(line)


@given(st.binary())
def test_any_line_is_an_event_or_has_a_reason(line: bytes) -> None:
    found = list(accesslog.events([(7, line)]))
    assert len(found) == (1 if line.strip() else 0)
    assert all(isinstance(item, Found) or (item.number == 7 and item.reason) for item in found)


@given(st.text(st.characters(exclude_categories=["Cs"])), st.text(st.characters(exclude_categories=["Cs"])))
def test_what_a_server_escapes_comes_back(referrer: str, agent: str) -> None:
    event = parse(WHOLE.format("GET / HTTP/1.1", _escaped(referrer), _escaped(agent)))
    assert event["referrer"] == ("" if referrer == "-" else referrer[: accesslog.MAX_ADDRESS])
    assert event["user_agent"] == ("" if agent == "-" else agent[: accesslog.MAX_USER_AGENT])


def _escaped(text: str) -> str:
    """As Apache writes it."""
    return "".join(
        f"\\{c}" if c in '"\\' else c if " " <= c <= "~" else "".join(f"\\x{b:02x}" for b in c.encode()) for c in text
    )


def test_a_long_adversary_takes_no_time() -> None:
    for text in (
        "1 - - [" * 20_000,
        '1 - - [x] "' + '"a' * 50_000,
        "1 - " + "a [ " * 50_000,
        "1 - " + '- [x] "' * 50_000,
    ):
        assert isinstance(next(accesslog.events([(1, text.encode())])), Broken)
