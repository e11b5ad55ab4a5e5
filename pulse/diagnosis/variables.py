"""The settings, as the environment gives them."""

from collections.abc import Iterable, Mapping
from difflib import get_close_matches

from pulse.diagnosis.finding import Finding, missing, ok, warning
from pulse.errors import SettingError
from pulse.settings import Settings, load

PREFIX = "PULSE_"
OF_TESTS = "PULSE_TEST_"
LIKENESS = 0.8
KEY = "PULSE_KEY"
"""No setting of the processes: the key with which the commands come."""


def names() -> list[str]:
    """The variables that are settings."""
    return [f"{PREFIX}{name.upper()}" for name in Settings.model_fields]


def unknown(given: Iterable[str], known: Iterable[str]) -> dict[str, str]:
    """Variables that look like settings and are none, each with the setting that is probably meant (or nothing)."""
    settings = list(known)
    wrong = [v for v in given if v.startswith(PREFIX) and not v.startswith(OF_TESTS) and v not in settings]
    return {variable: next(iter(get_close_matches(variable, settings, 1, LIKENESS)), "") for variable in wrong}


def look(environ: Mapping[str, str]) -> list[Finding]:
    """Whether the settings can be read, and which variables mean nothing."""
    try:
        load()
        findings = [ok("settings", f"{sum(v in names() for v in environ)} given, the rest as usual")]
    except SettingError as error:
        findings = [missing("settings", str(error), "correct it; docs/settings.md lists all settings")]
    for variable, meant in unknown(environ, [*names(), KEY]).items():
        remedy = f"did you mean {meant}?" if meant else "docs/settings.md lists all settings"
        findings.append(warning("settings", f"{variable} is no setting", remedy))
    return findings
