"""Ids for events that came without one."""

UUID_VERSION_7 = 0x7000
UUID_VARIANT = 0x8000_0000_0000_0000
ENTROPY_BITS = 74


def uuid7(at_ms: int, entropy: int) -> str:
    """A UUID of version 7: a time in ms since the epoch, then 74 bits of randomness. Ids sort by their time."""
    head = (at_ms & 0xFFFF_FFFF_FFFF) << 16 | UUID_VERSION_7 | entropy >> 62 & 0xFFF
    digits = f"{head << 64 | UUID_VARIANT | entropy & 0x3FFF_FFFF_FFFF_FFFF:032x}"
    return f"{digits[:8]}-{digits[8:12]}-{digits[12:16]}-{digits[16:20]}-{digits[20:]}"
