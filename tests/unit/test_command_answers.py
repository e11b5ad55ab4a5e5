"""What the commands make of answers, arguments and figures."""

import httpx
import pytest
from typer.testing import CliRunner

from pulse.command import demo, situation, status
from pulse.command.delivery import Later, answer_of
from pulse.command.main import app
from pulse.command.status import size
from pulse.command.tail import Seen, told
from pulse.command.wire import Refused
from pulse.errors import SettingError
from pulse.lag import Lag
from pulse.settings import Settings
from pulse.started import Process

REFUSED = {"index": 1, "id": None, "field": "event", "reason": "invalid", "detail": "too long"}


@pytest.fixture(autouse=True)
def _elsewhere(monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory) -> None:
    monkeypatch.setenv("PULSE_DATA", str(tmp_path_factory.mktemp("data")))
    monkeypatch.delenv("PULSE_KEY", raising=False)


def test_a_202_tells_what_was_refused() -> None:
    answer = answer_of(httpx.Response(202, json={"accepted": 3, "refused": [REFUSED]}))
    assert (answer.accepted, answer.refused[0].index, answer.refused[0].field) == (3, 1, "event")


def test_a_batch_of_which_all_is_refused_is_answered_too() -> None:
    answer = answer_of(httpx.Response(400, json={"status": 400, "accepted": 0, "refused": [REFUSED]}))
    assert (answer.accepted, len(answer.refused)) == (0, 1)


@pytest.mark.parametrize("status", [408, 429, 500, 502, 503, 504])
@pytest.mark.parametrize(
    ("header", "after"), [({"retry-after": "7"}, 7.0), ({}, None), ({"retry-after": "soon"}, None)]
)
def test_what_may_pass_is_tried_again(status: int, header: dict[str, str], after: float | None) -> None:
    with pytest.raises(Later) as caught:
        answer_of(httpx.Response(status, headers=header, json={"detail": "Kafka is away"}))
    assert caught.value.after == after
    assert "Kafka is away" in str(caught.value)


@pytest.mark.parametrize("status", [400, 401, 403, 413, 415])
def test_what_will_not_pass_is_told(status: int) -> None:
    with pytest.raises(Refused, match=f"{status}: the key is unknown"):
        answer_of(httpx.Response(status, json={"detail": "the key is unknown"}))


def test_an_answer_that_is_no_json_is_told_by_its_status() -> None:
    with pytest.raises(Refused, match="404: Not Found"):
        answer_of(httpx.Response(404, text="<html>"))


def test_without_a_key_the_sentence_says_what_to_do() -> None:
    with pytest.raises(SettingError, match="PULSE_KEY"):
        situation.key(None, "secret_key", Settings().data)


def test_keys_come_from_the_data_folder() -> None:
    data = Settings().data
    (data / "keys.json").write_text('{"site_id":"main","admin_key":"a","secret_key":"s","site_key":"p"}')
    assert situation.key(None, "admin_key", data) == "a"
    assert situation.key(None, "secret_key", data) == "s"
    assert situation.key("given", "secret_key", data) == "given"


@pytest.mark.parametrize(
    "words",
    [
        ["send"],
        ["send", "a", "-p", "novalue"],
        ["send", "--file", "/no/such/file"],
        ["sql", "select 1", "--file", "x"],
        ["sql", "select 1", "-p", "x"],
        ["demo", "--fast", "--days", "0"],
        ["demo", "--now", "yesterday"],
        ["demo", "--events", "0"],
        ["demo", "--events", "100", "--duration", "10", "--rate", "50"],
        ["import"],
        ["import", "x", "--format", "xml"],
        ["keys", "rotate"],
        ["nonsense"],
    ],
)
def test_a_mistyped_command_ends_with_2(words: list[str]) -> None:
    result = CliRunner().invoke(app, words)
    assert result.exit_code == 2
    assert "Traceback" not in result.output


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["send", "a"], "there is no key"),
        (["demo"], "there is no key"),
        (["sites", "list"], "there is no key"),
        (["import", "/no/such/file"], "there is no file /no/such/file"),
        (["import", "/usr"], "/usr is a directory: name the files in it"),
    ],
)
def test_a_failure_is_one_sentence_and_1(words: list[str], said: str) -> None:
    result = CliRunner().invoke(app, words)
    assert result.exit_code == 1
    assert result.stderr.startswith(f"pulse: {said}")
    assert result.stderr.count("\n") == 1


def test_a_wrong_setting_is_one_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PULSE_COLLECTOR_PORT", "many")
    result = CliRunner().invoke(app, ["send", "a"])
    assert (result.exit_code, result.stderr.startswith("pulse: PULSE_COLLECTOR_PORT")) == (1, True)


@pytest.mark.parametrize(
    ("events", "rate", "duration", "measure"),
    [
        (None, None, None, (10_000, 1_000)),
        (500, None, None, (500, 1_000)),
        (None, 50, 4, (200, 50)),
        (None, None, 4, (4_000, 1_000)),
        (500, None, 4, (500, 125)),
        (200, 50, 4, (200, 50)),
    ],
)
def test_how_many_events_at_which_rate(
    events: int | None, rate: float | None, duration: float | None, measure: tuple[int, float]
) -> None:
    assert demo._measure(events, rate, duration) == measure


def test_the_partitions_of_a_topic_are_summed() -> None:
    lags = [Lag("g", "t", 0, 5, 0, 8), Lag("g", "t", 1, None, 2, 4), Lag("g", "u", 0, 9, 0, 9)]
    assert [(each.topic, each.records) for each in status.behind(lags)] == [("t", 5), ("u", 0)]


def test_processes_that_have_no_page_are_told_by_their_id() -> None:
    found = status.processes(
        {"sink": "ready"}, {"sink": "http://x"}, {"sink": Process(1, 0), "Kafka": Process(2**22 + 1, 0)}
    )
    assert [(each.name, each.state, each.pid) for each in found] == [
        ("sink", "ready", 1),
        ("Kafka", "has ended", 2**22 + 1),
    ]


def test_what_was_started_is_ready_only_where_every_process_is() -> None:
    well = [status.Process("sink", "ready"), status.Process("Kafka", "runs")]
    bad = [*well, status.Process("query", "does not answer"), status.Process("streams", "has ended")]
    assert status.phase("ready", well) == "ready"
    assert status.phase("ready", bad) == "not ready: query, streams"
    assert status.phase("stopping: the collector", bad) == "stopping: the collector"


@pytest.mark.parametrize(("count", "text"), [(0, "0 B"), (999, "999 B"), (1_500, "1.5 kB"), (2_000_000_000, "2.0 GB")])
def test_sizes(count: int, text: str) -> None:
    assert size(count) == text


def test_an_event_is_told_in_a_line_that_cannot_steer_the_terminal() -> None:
    line = told(Seen("buy\x1b[2J\n", 0, "main", "v", "/a", "AT", revenue=1.5, currency="EUR"))
    assert line.isprintable()
    for part in ("1970-01-01 00:00:00.000", "main", "AT", "/a", "1.5 EUR"):
        assert part in line
