"""What many events are told alike, as the text that stands in their lines: it is written once, and copied from there.

A run of fields that stand together is put into the first of them that has a value, as what follows its name in the line. The others
of the run are to be empty, so that they are left out.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

from msgspec import Raw, json

from pulse.event import RefinedEvent

SYSTEM = ("asn", "as_org", "as_entropy", "network", "network_source", "network_days")
SCORES = ("risk", "risk_band", "risk_vpn", "risk_proxy", "risk_tor", "risk_relay", "risk_bot", "risk_tamper")
VERDICT = (*SCORES, "risk_confidence", "risk_reasons", "risk_rules")
_BEFORE = b'{"event":"",'

_encoder = json.Encoder()


class Run(NamedTuple):
    """The field that a run of fields is put into, and what is put there; no field where they have no values, or such as cannot be written."""

    field: str
    text: Raw


NO_RUN = Run("", Raw())


def run_of(names: Sequence[str], values: Sequence[Any]) -> Run:
    """Fields that stand together in an event, as they are written."""
    event = RefinedEvent(event="")
    for name, value in zip(names, values, strict=True):
        setattr(event, name, value)
    try:
        line = _encoder.encode(event)
    except Exception:
        return NO_RUN
    name, _, text = line.removeprefix(_BEFORE)[:-1].partition(b":")
    return Run(name.decode().strip('"'), Raw(text)) if text else NO_RUN
