"""What it costs to follow devices: bytes each and µs a sighting, `python -m bench sightings [MILLIONS [MB]]`.

A partition follows so many million devices (2 unless told otherwise) in so many MB (300 bytes each unless told otherwise), most of them seen
at one place, some at several, each some times. Then it is asked as refinement asks: each sighting is noted and what counts of its
device is told. First, what the largest states take.
"""

import random
import sys
from collections.abc import Iterator
from time import process_time

import psutil

from pulse.risk.packed import Sighting, at_place, device_of, sighting
from streams.devices import Devices

NOW = 1_800_000_000_000
A_BATCH = 10_000
SHARING = 50
"""So many places are in one network, that some ten devices meet there."""
ASKED = 200_000
FULL = 50_000
COUNTRIES = ("AT", "BE", "CH", "DE", "ES", "FR", "GB", "IT", "JP", "US")
PLACES = (1,) * 7 + (2, 3, 8)
"""At how many places devices are seen."""


def at(dice: random.Random, device: int, minute: int) -> Sighting:
    """A device at one of its places."""
    place = device * 7 + dice.randrange(PLACES[device % len(PLACES)])
    network = place // SHARING
    ip, asn = f"{network >> 16}.{network >> 8 & 255}.{network & 255}.0", 1 + place % 60_000
    country = ("AT", "DE", "US", "JP")[place % 4]
    name = device_of("shop", f"f{device}", f"v{device}")
    found = sighting(name, NOW + minute * 60_000, ip, asn, country, f"s{place}", "eyeball")
    return at_place(found, "shop", ip, f"f{device}", "eyeball")


def batches(dice: random.Random, devices: int) -> Iterator[list[Sighting]]:
    """Each device, and every fifth of them once more, within a day."""
    order = [*range(devices), *range(0, devices, 5)]
    for first in range(0, len(order), A_BATCH):
        yield [at(dice, device, first * 1_400 // len(order)) for device in order[first : first + A_BATCH]]


def noted(devices: Devices, dice: random.Random, number: int) -> float:
    """µs to note one, of so many devices."""
    spent = 0.0
    for batch in batches(dice, number):
        began = process_time()
        devices.see(batch)
        spent += process_time() - began
    return spent / (number + number // 5) * 1e6


def asked(devices: Devices, some: list[Sighting]) -> float:
    """µs to note one and to tell what counts of its device."""
    began = process_time()
    for each in some:
        devices.see((each,))
        devices.seen(each)
    return (process_time() - began) / len(some) * 1e6


def everywhere(devices: Devices, number: int) -> None:
    """So many devices, each seen at more places than are kept of one."""
    for device in range(number):
        name = device_of("shop", f"f{device}", f"v{device}")
        some = [
            sighting(name, NOW, f"10.{n}.{device & 255}.0", 1 + n % 20, COUNTRIES[n % 10], f"s{n}", "eyeball")
            for n in range(40)
        ]
        devices.see([some[0]._replace(words=tuple({word for each in some for word in each.words}))])


def rss() -> int:
    """The bytes that the process takes."""
    return int(psutil.Process().memory_info().rss)


def main() -> None:
    """Print the figures."""
    number = int(float(sys.argv[1]) * 1e6) if len(sys.argv) > 1 else 2_000_000
    most = int(float(sys.argv[2]) * 1e6) if len(sys.argv) > 2 else 300 * number
    before, full = rss(), Devices(lambda: 10**9)
    everywhere(full, FULL)
    counted = full.known.nbytes / FULL
    print(f"{(rss() - before) / FULL:.0f} bytes a device that was everywhere, {counted:.0f} by its own count")
    del full
    dice, before, devices = random.Random(1), rss(), Devices(lambda: most)
    took = noted(devices, dice, number)
    taken, known, places = rss() - before, devices.known, devices.places
    print(f"{number:,} devices at {len(places):,} networks, {most / 1e6:,.0f} MB allowed")
    print(f"{len(known):,} known, {known.forgotten:,} forgotten; {places.forgotten:,} networks forgotten")
    print(f"{taken / 1e6:,.0f} MB taken, {known.nbytes / 1e6:,.0f} + {places.nbytes / 1e6:,.0f} by its own count")
    print(f"{taken / len(known):.0f} bytes a device with its share of the networks; {took:.2f} µs to note a sighting")
    some = [at(dice, dice.randrange(number), 1_401) for _ in range(ASKED)]
    print(f"{asked(devices, some):.2f} µs to note one in another minute and to tell what counts of its device")
    print(f"{asked(devices, some):.2f} µs where it tells nothing new")


if __name__ == "__main__":
    main()
