"""How many devices at a network are usual for its kind, and how many more there are."""

USUAL = {"eyeball": 256.0, "hosting": 16.0}
"""Devices of a site at one network of addresses (a /24, a /48) within a day: in homes one for each address of a /24, at servers few. Of
others nothing is usual: phones, relays, gateways and exits are shared by whoever comes."""


def crowd(devices: int, network: str) -> float | None:
    """Devices as a multiple of what is usual; None where nothing is."""
    usual = USUAL.get(network)
    return devices / usual if usual else None
