"""For a complete run: a skipped test fails it. `pytest -p tests.complete`."""

from collections.abc import Generator

import pytest

INCOMPLETE = ("skipped", "xfailed")


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say what was left out."""
    for kind, count in left_out(terminalreporter).items():
        terminalreporter.write_line(f"{count} {kind}: a complete run leaves nothing out", red=True)


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_sessionfinish(session: pytest.Session) -> Generator[None, None, None]:
    """Make the run fail if anything was left out."""
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    if session.exitstatus == pytest.ExitCode.OK and reporter and left_out(reporter):
        session.exitstatus = pytest.ExitCode.TESTS_FAILED
    return (yield)


def left_out(reporter: pytest.TerminalReporter) -> dict[str, int]:
    """How many tests were not run, by how."""
    return {kind: len(reporter.stats[kind]) for kind in INCOMPLETE if reporter.stats.get(kind)}
