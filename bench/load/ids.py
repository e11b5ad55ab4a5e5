"""Event ids made of a counter through a reversible function: who knows the counters that were sent knows the ids.

The upper half of an id mixes its counter reversibly, the lower half mixes it otherwise, so that ids neither repeat nor
compress. ClickHouse finds the counter again (bench/queries/blocks.sql), and what is stored is compared with what was sent without either
being held as ids.
"""

import numpy as np
import numpy.typing as npt

Words = npt.NDArray[np.uint64]

STREAM_BITS = 40
"""A counter is the number of an event within its stream; the stream stands above these bits."""

_MASK = (1 << 64) - 1
_A, _B = 0x9E3779B97F4A7C15, 0xBF58476D1CE4E5B9
_A_BACK, _B_BACK = pow(_A, -1, 1 << 64), pow(_B, -1, 1 << 64)
_OTHER = 0xD1B54A32D192ED03
_SHIFT = np.uint64(32)


def mix(counters: Words) -> Words:
    """Each counter's 64 bits, scattered; `unmix` finds it again."""
    x = counters * np.uint64(_A)
    x ^= x >> _SHIFT
    x *= np.uint64(_B)
    x ^= x >> _SHIFT
    return x


def unmix(mixed: Words) -> Words:
    """The counters that were mixed."""
    x = mixed ^ mixed >> _SHIFT
    x *= np.uint64(_B_BACK)
    x ^= x >> _SHIFT
    x *= np.uint64(_A_BACK)
    return x


def counters(stream: int, first: int, many: int) -> Words:
    """Successive counters of a stream."""
    return np.arange(first, first + many, dtype=np.uint64) + np.uint64(stream << STREAM_BITS)


def halves(some: Words) -> tuple[Words, Words]:
    """The upper and the lower half of the ids of counters."""
    return mix(some), mix(some ^ np.uint64(_OTHER))


def event_id(counter: int) -> str:
    """The id of one counter, as a UUID."""
    upper, lower = halves(np.array([counter], np.uint64))
    text = f"{int(upper[0]):016x}{int(lower[0]):016x}"
    return f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"
