"""What it costs to follow devices: bytes each and µs a sighting, `python -m bench sightings [MILLIONS]`.

A partition follows so many million devices (2 unless told otherwise), most of them seen at one place, some at several, each some times.
Then it is asked as refinement asks: each sighting is noted and what counts of its device is told.
"""

import random
import sys
from collections.abc import Iterator
from time import process_time

import psutil

from pulse.risk.packed import Sighting, device_of, sighting
from streams.devices import Devices

NOW = 1_800_000_000_000
A_BATCH = 10_000
ASKED = 200_000
PLACES = (1,) * 7 + (2, 3, 8)
"""At how many places devices are seen."""


def at(dice: random.Random, device: int, minute: int) -> Sighting:
    """A device at one of its places."""
    place = device * 7 + dice.randrange(PLACES[device % len(PLACES)])
    ip, asn, country = f"10.{place >> 8 & 255}.{place & 255}.0", 1 + place % 60_000, ("AT", "DE", "US", "JP")[place % 4]
    return sighting(
        device_of("shop", f"f{device}", f"v{device}"), NOW + minute * 60_000, ip, asn, country, f"s{place}", "eyeball"
    )


def batches(dice: random.Random, devices: int) -> Iterator[list[Sighting]]:
    """Each device twice, within a day."""
    order = [*range(devices), *range(devices)]
    for first in range(0, len(order), A_BATCH):
        yield [at(dice, device, first * 1_400 // len(order)) for device in order[first : first + A_BATCH]]


def noted(devices: Devices, dice: random.Random, number: int) -> float:
    """µs to note one, of so many devices."""
    spent = 0.0
    for batch in batches(dice, number):
        began = process_time()
        devices.see(batch)
        spent += process_time() - began
    return spent / (2 * number) * 1e6


def asked(devices: Devices, some: list[Sighting]) -> float:
    """µs to note one and to tell what counts of its device."""
    began = process_time()
    for each in some:
        devices.see((each,))
        devices.seen(each)
    return (process_time() - began) / len(some) * 1e6


def main() -> None:
    """Print the figures."""
    number = int(float(sys.argv[1]) * 1e6) if len(sys.argv) > 1 else 2_000_000
    dice, before = random.Random(1), psutil.Process().memory_info().rss
    devices = Devices(lambda: 4 * number)
    took = noted(devices, dice, number)
    grown = psutil.Process().memory_info().rss - before
    print(
        f"{len(devices):,} devices, {grown / 1e6:,.0f} MB: {grown / number:.0f} bytes a device; {took:.2f} µs to note a sighting"
    )
    known = [at(dice, dice.randrange(number), 1_401) for _ in range(ASKED)]
    print(f"{asked(devices, known):.2f} µs to note one in another minute and to tell what counts of its device")
    print(f"{asked(devices, known):.2f} µs where it tells nothing new")


if __name__ == "__main__":
    main()
