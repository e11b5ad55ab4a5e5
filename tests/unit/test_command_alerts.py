"""What `pulse alerts` and `pulse webhooks` show, and which words they refuse."""

import time
from collections.abc import Callable, Mapping
from typing import Any

import pytest
from msgspec import json
from typer.testing import CliRunner

from pulse.command import wire
from pulse.command.control import moment
from pulse.command.main import app

RULE: dict[str, Any] = {
    "id": "rule_1",
    "site_id": "shop",
    "name": "Much",
    "metric": "events",
    "group_by": None,
    "condition": {"kind": "threshold", "operator": ">", "value": 4.0, "resolve": None},
    "window_minutes": 5,
    "severity": "warning",
    "enabled": True,
    "muted": False,
    "snoozed_until": None,
    "created": 1_790_000_000_000,
    "state": "ok",
    "groups_firing": 0,
}

Answer = Callable[[str, Any], None]


@pytest.fixture
def answer(monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory) -> Answer:
    """Has the query API answer what is asked by one path and nothing else."""
    monkeypatch.setenv("PULSE_DATA", str(tmp_path_factory.mktemp("data")))
    monkeypatch.setenv("PULSE_KEY", "key")
    answers: dict[str, Any] = {}

    def call(method: str, url: str, key: str, name: str, **_: Any) -> Any:
        return answers[f"{method} {url.partition('/api/v1/')[2]}"]

    monkeypatch.setattr(wire, "call", call)
    return answers.__setitem__


def table(text: str) -> list[Mapping[str, str]]:
    """The rows of a table by their columns, which begin where their names do."""
    head, *rows = text.splitlines()
    begins = [head.index(f" {name} ") + 1 if place else 0 for place, name in enumerate(head.split()[:-1])]
    ends = [*begins[1:], head.rindex(head.split()[-1]), None]
    cells = zip([*begins, ends[-2]], ends, strict=True)
    spans = dict(zip(head.split(), cells, strict=True))
    return [{name: row[begin:end].strip() for name, (begin, end) in spans.items()} for row in rows]


def test_the_list_tells_where_rules_stand_and_until_when_they_are_snoozed(answer: Answer) -> None:
    ahead, over = (int(time.time() * 1000) + ms for ms in (7_200_000, -7_200_000))
    rules = [
        RULE,
        RULE | {"state": "firing", "groups_firing": 1, "snoozed_until": ahead, "muted": True},
        RULE | {"state": "firing", "groups_firing": 3, "group_by": "country", "snoozed_until": over},
        RULE | {"state": "unknown", "groups_firing": None},
    ]
    answer("GET alerts", {"data": rules, "next_cursor": None})
    done = CliRunner().invoke(app, ["alerts", "list"])
    assert done.exit_code == 0, done.output
    rows = table(done.output)
    assert [row["state"] for row in rows] == ["ok", "firing", "firing (3)", "unknown"]
    assert [row["snoozed_until"] for row in rows] == ["", moment(ahead), "", ""]
    assert [row["muted"] for row in rows] == ["no", "yes", "no", "no"]


def test_a_rule_is_shown_with_its_moments_in_words(answer: Answer) -> None:
    answer("GET alerts/rule_1", RULE | {"snoozed_until": 1_790_000_060_000})
    shown = CliRunner().invoke(app, ["alerts", "show", "rule_1", "--told", "0"]).output
    lines = dict(line.split(maxsplit=1) for line in shown.splitlines())
    assert (lines["state"], lines["snoozed_until"]) == ("ok", "2026-09-21 14:14")


def test_a_snooze_is_ended_or_lasts_and_not_both(answer: Answer) -> None:
    answer("PATCH alerts/rule_1", RULE)
    refused = CliRunner().invoke(app, ["alerts", "snooze", "rule_1", "--end", "--for", "2h"])
    assert refused.exit_code == 2
    assert "--for: cannot be given with --end, which ends a snooze at once" in " ".join(
        refused.stderr.replace("│", "").split()
    )
    for words, said in (([], "snoozed for 1h"), (["--for", "2h"], "snoozed for 2h"), (["--end"], "not snoozed")):
        done = CliRunner().invoke(app, ["alerts", "snooze", "rule_1", *words])
        assert (done.exit_code, done.output) == (0, f"rule_1 is {said}\n")


def test_deliveries_are_listed_with_when_they_are_tried_next(answer: Answer) -> None:
    sent = {"id": "dlv_1", "kind": "alert.firing", "attempts": 2, "error": "refused", "created": 1_790_000_000_000}
    waiting = sent | {"state": "pending", "next_attempt": 1_790_000_030_000, "status": None, "finished": None}
    done = sent | {"state": "delivered", "next_attempt": None, "status": 200, "finished": 1_790_000_000_000}
    answer("GET webhooks/whk_1/deliveries", {"data": [waiting, done]})
    shown = table(CliRunner().invoke(app, ["webhooks", "deliveries", "whk_1"]).output)
    assert [row["next"] for row in shown] == ["2026-09-21 14:13:50", ""]
    as_json = CliRunner().invoke(app, ["webhooks", "deliveries", "whk_1", "--json"]).output.splitlines()
    assert [json.decode(line) for line in as_json] == [waiting, done]
