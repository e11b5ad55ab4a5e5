"""Evidence, its validation, its reports."""

from pathlib import Path

import pytest
from msgspec import json

from bench import report, validate
from bench.__main__ import HERE, MEASUREMENTS, about
from bench.evidence import Evidence


@pytest.fixture
def run(tmp_path: Path) -> Path:
    evidence = Evidence("sustained", {"rate": 20_000}, tmp_path / "run")
    evidence.raw("outcome", {"rate": 81_234.5, "accept": {"p99": 0.02}, "exact": True})
    evidence.figure("accepted", "events/s", "outcome", "rate")
    evidence.figure("accept p99", "s", "outcome", "accept", "p99")
    return evidence.folder


def change(file: Path, **fields: object) -> None:
    file.write_bytes(json.encode(json.decode(file.read_bytes()) | fields))


def test_a_good_run_passes_and_is_noted_as_the_latest(run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert validate.main([str(run)]) == 0
    assert capsys.readouterr().out == "run: good\n"
    assert (run.parent / "latest").read_text() == "run\n"


def test_a_missing_raw_file_fails(run: Path) -> None:
    (run / "outcome.json").unlink()
    assert "accepted: outcome.json is missing" in validate.faults(run)


def test_a_figure_that_is_not_in_its_raw_file_fails(run: Path) -> None:
    change(run / "outcome.json", rate=90_000)
    assert validate.faults(run) == ["accepted: 81234.5 is said, outcome.json has 90000"]
    change(run / "outcome.json", accept={})
    assert "accept p99: not in outcome.json" in validate.faults(run)


def test_an_unrecorded_change_of_the_tree_fails(run: Path) -> None:
    change(run / "environment.json", dirty=None)
    assert validate.faults(run)
    change(run / "environment.json", dirty=False, changed=[" M bench/stack.py"])
    assert validate.faults(run) == ["the tree was changed, and is said not to be"]


def test_no_environment_fails(run: Path) -> None:
    (run / "environment.json").unlink()
    assert validate.faults(run) == ["no environment"]


def test_no_date_fails(run: Path) -> None:
    change(run / "environment.json", date="")
    assert validate.faults(run) == ["the environment names no date"]


def test_no_figures_fail(run: Path) -> None:
    (run / "figures.json").unlink()
    assert validate.faults(run) == ["no figures"]
    assert validate.main([str(run)]) == 1


def test_a_figure_must_stand_in_the_raw_output(tmp_path: Path) -> None:
    evidence = Evidence("x", {}, tmp_path)
    evidence.raw("outcome", {"rate": 1})
    with pytest.raises(KeyError, match="latency"):
        evidence.figure("latency", "s", "outcome", "latency")


def test_a_report_shows_each_figure_with_where_it_stands(run: Path) -> None:
    found = report.report(run)
    assert "| accepted | 81,234 events/s | `outcome.json` rate |" in found
    assert "| accept p99 | 0.02 s | `outcome.json` accept.p99 |" in found
    assert "Commit " in found


def test_a_report_is_not_written_over_another(run: Path, tmp_path: Path) -> None:
    output = tmp_path / "report.md"
    assert report.main([str(run), "--output", str(output)]) == 0
    assert report.main([str(run), "--output", str(output)]) == 1
    assert report.main([str(run), "--output", str(output), "--force"]) == 0


def test_no_report_is_made_of_what_is_no_evidence(run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (run / "outcome.json").unlink()
    assert report.main([str(run)]) == 1
    assert "outcome.json is missing" in capsys.readouterr().err


def test_every_measurement_is_listed_and_says_what_it_is() -> None:
    assert all(len(about(name)) > 30 for name in MEASUREMENTS)
    runnable = {
        file.stem for file in HERE.glob("*.py") if "__main__" in file.read_text() and "def main(" in file.read_text()
    }
    assert runnable - {"__main__", "probe"} == set(MEASUREMENTS)
