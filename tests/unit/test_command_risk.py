"""`pulse risk`: explaining, judging, fitting."""

from pathlib import Path
from typing import Any

import pytest
from msgspec import json
from typer.testing import CliRunner, Result

from pulse.command.main import app
from pulse.risk.evidence import Evidence
from pulse.risk.population.sessions import sessions

EVIDENCE = {"consent": True, "network": "hosting", "network_age_days": 46, "as_bits": 3.4, "webdriver": True, "ips": 4}


def run(*words: str | Path, given: str = "") -> Result:
    """What a command answers."""
    return CliRunner().invoke(app, ["risk", *map(str, words)], input=given)


def answer(*words: str | Path, given: str = "") -> Any:
    """What it answers in JSON."""
    done = run(*words, "--json", given=given)
    assert done.exit_code == 0, done.output
    return json.decode(done.stdout)


def test_evidence_comes_by_option_file_or_standard_input(tmp_path: Path) -> None:
    text = json.encode(EVIDENCE).decode()
    file = tmp_path / "evidence.json"
    file.write_text(text)
    by_option = answer("explain", "--evidence", text)
    assert by_option == answer("explain", file) == answer("explain", given=text) == answer("explain", "-", given=text)
    assert by_option["rule_set"] == "pulse-v1"
    assert sum(each["points"] for each in by_option["reasons"]) == pytest.approx(by_option["value"])
    assert by_option["data_age_days"] == 46


def test_what_is_explained_to_people_has_reasons_and_what_is_missing() -> None:
    told = run("explain", "--evidence", json.encode(EVIDENCE).decode()).stdout
    assert "BOT_WEBDRIVER" in told
    assert "a program drives the browser" in told
    assert "not known: asn, as_kind" in told
    assert "46 days old" in told


def test_another_rule_set_explains_too() -> None:
    told = answer("explain", "--rules", "pulsegate-v1", "--evidence", '{"network": "hosting", "bot_score": 30}')
    assert (told["risk"], [each["code"] for each in told["reasons"]]) == (25, ["HOSTING_ASN", "LOW_BOT_SCORE"])


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", "that is no evidence"),
        ("{", "that is no evidence"),
        ('{"network": "nowhere"}', "$.network"),
        ('{"ips": -1}', "$.ips"),
        ('{"surprise": 1}', "surprise"),
        ("\x00", "that is no evidence"),
    ],
)
def test_what_is_no_evidence_is_told_in_a_sentence(text: str, told: str) -> None:
    done = run("explain", given=text)
    assert done.exit_code == 1
    assert told in done.stderr
    assert len(done.stderr.splitlines()) == 1


def test_what_cannot_be_is_told_in_a_sentence(tmp_path: Path) -> None:
    for words, told in (
        (("explain", tmp_path / "none"), "cannot be read"),
        (("explain", "--rules", "none", "--evidence", "{}"), "there is no rule set none"),
        (("explain", "--weights", tmp_path / "none", "--evidence", "{}"), "holds no weights"),
        (("evaluate", tmp_path / "none"), "cannot be read"),
        (("fit", "--out", tmp_path / "no" / "folder", "--sessions", "1000"), "cannot be written"),
    ):
        done = run(*words)
        assert done.exit_code == 1, words
        assert told in done.stderr
    assert run("explain", tmp_path / "a", "--evidence", "{}").exit_code == 2


def test_made_up_sessions_are_judged_the_same_each_time() -> None:
    found = answer("evaluate", "--sessions", "2000", "--seed", "5")
    assert found == answer("evaluate", "--sessions", "2000", "--seed", "5")
    assert [each["score"] for each in found["scores"]] == ["vpn", "proxy", "tor", "relay", "bot", "tamper"]
    assert "recall at 1 %" in run("evaluate", "--sessions", "1000").stdout


def test_laws_are_tried_with_it() -> None:
    found = answer("evaluate", "--sessions", "1000", "--metamorphic", "50")
    assert len(found["broken"]) == 8
    assert not any(found["broken"].values())
    told = run("evaluate", "--sessions", "1000", "--metamorphic", "50", "--rules", "pulsegate-v1")
    assert told.exit_code == 0
    assert "absence never raises" in told.stdout


def test_own_sessions_are_fitted_and_judged(tmp_path: Path) -> None:
    known, out = tmp_path / "known.ndjson", tmp_path / "weights.json"
    known.write_bytes(b"\n".join(json.encode(each) for each in sessions("fit", 2_000, 2)) + b"\n")
    done = run("fit", known, "--out", out, "--name", "mine", "--version", "3")
    assert done.exit_code == 0, done.output
    assert "mine 3. Fitted on" in done.stdout
    found = answer("evaluate", known, "--weights", out)
    assert (found["rule_set"], found["version"], found["sessions"]) == ("mine", "3", 2_000)
    assert found["scores"][0]["auc"] > 0.9


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("{", "known.ndjson:2 is no labelled session"),
        ('{"evidence": {}, "truth": ["ghost"]}', "known.ndjson:2: there is no score ghost"),
        ('{"truth": []}', "known.ndjson:2 is no labelled session"),
    ],
)
def test_a_line_that_is_no_session_is_named(tmp_path: Path, line: str, told: str) -> None:
    known = tmp_path / "known.ndjson"
    known.write_text(f'{{"evidence": {json.encode(Evidence()).decode()}}}\n{line}\n')
    done = run("evaluate", known)
    assert done.exit_code == 1
    assert told in done.stderr


def test_sessions_of_one_provider_are_not_fitted(tmp_path: Path) -> None:
    known = tmp_path / "known.ndjson"
    known.write_text('{"evidence": {}, "provider": "one"}\n')
    done = run("fit", known, "--out", tmp_path / "out.json")
    assert done.exit_code == 1
    assert "name at least 3" in done.stderr
    known.write_text("\n")
    assert "holds no sessions" in run("evaluate", known).stderr
