"""Records as the commands show them."""

import pytest

from pulse.command.control import show


@pytest.mark.parametrize("terminal", ["dumb", "xterm"])
def test_nothing_is_cut_or_broken_where_no_terminal_is(
    terminal: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("TERM", terminal)
    monkeypatch.setenv("COLUMNS", "40")
    name, condition = "A name of several words " * 20 + "end", "threshold > 1000000.0"
    show([{"id": "rule_1", "name": name, "condition": condition}], ("id", "name", "condition"), as_json=False)
    head, row = capsys.readouterr().out.splitlines()
    assert head.split() == ["id", "name", "condition"]
    assert row.split("  ") == ["rule_1", name, f"{condition}"]
