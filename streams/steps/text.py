"""What many events are told alike, as the text that stands in their lines: it is written once, and copied from there.

A run of fields that stand together is put into the first of them that has a value, as what follows its name in the line. The others
of the run are to be empty, so that they are left out.
"""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from msgspec import Raw, defstruct, json
from msgspec.structs import fields

from pulse.event import RefinedEvent

SYSTEM = ("asn", "as_org", "as_entropy", "network", "network_source", "network_days")
SCORES = ("risk", "risk_band", "risk_vpn", "risk_proxy", "risk_tor", "risk_relay", "risk_bot", "risk_tamper")
VERDICT = (*SCORES, "risk_confidence", "risk_reasons", "risk_rules")

_encoder = json.Encoder()


class Run(NamedTuple):
    """The field that a run of fields is put into, and what is put there; no field where they have no values, or such as cannot be written."""

    field: str
    text: Raw


NO_RUN = Run("", Raw())


def runs(names: Sequence[str]) -> Callable[[Sequence[Any]], Run]:
    """What makes fields that stand together in an event, by their values, into what is written of them."""
    empty = {each.name: each.default for each in fields(RefinedEvent)}
    alone = defstruct("Alone", [(name, Any, empty[name]) for name in names], omit_defaults=True, gc=False)

    def run_of(values: Sequence[Any]) -> Run:
        try:
            name, _, text = _encoder.encode(alone(*values))[1:-1].partition(b":")
        except Exception:
            return NO_RUN
        return Run(name.decode()[1:-1], Raw(text)) if text else NO_RUN

    return run_of
