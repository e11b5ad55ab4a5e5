"""Events of devices judged once more, by where these were seen of late: with all of their raw record, whatever part of it was written before."""

from collections.abc import Sequence
from itertools import accumulate
from typing import NamedTuple

from msgspec import json

from pulse.event import RefinedEvent
from streams.devices import Devices
from streams.steps.risk import put_verdict
from streams.steps.step import Opinion

_encoder = json.Encoder()


class Met(NamedTuple):
    """An event of a device, which one it is of those that are written of its record, and what is said of it so far."""

    number: int
    event: RefinedEvent
    opinion: Opinion


def kept_of(met: Sequence[Met], fresh: Sequence[bool]) -> list[Met]:
    """Those that are `fresh`, by their numbers among these alone."""
    before = list(accumulate(fresh, initial=0))
    return [each._replace(number=before[each.number]) for each in met if fresh[each.number]]


def again(values: list[bytes], met: Sequence[Met], devices: Devices, at_ms: int) -> list[bytes]:
    """The values of records with the verdicts on those devices anew, once all of them are noted; mostly these say what was said before."""
    if not met:
        return values
    sightings = [devices.sighting(event, opinion.asn, opinion.network) for _, event, opinion in met]
    devices.see(sightings, at_ms)
    lines: dict[int, bytes] = {}
    for (number, event, opinion), sighting in zip(met, sightings, strict=True):
        verdict = opinion.judge(devices.seen(sighting))
        if verdict != opinion.verdict:
            put_verdict(event, verdict)
            lines[number] = _encoder.encode(event)
    return _with(values, lines) if lines else values


def _with(values: list[bytes], lines: dict[int, bytes]) -> list[bytes]:
    """The values with some lines others, by their number."""
    found, first = [], 0
    for value in values:
        those = value.split(b"\n")
        for number in range(first, first + len(those) - 1):
            if number in lines:
                those[number - first] = lines[number]
        first += len(those) - 1
        found.append(b"\n".join(those))
    return found
