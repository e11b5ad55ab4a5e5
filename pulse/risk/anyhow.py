"""Evidence at random: any of what can be told, in any combination."""

from random import Random
from typing import Any, get_args

from pulse.risk.evidence import OPTIONAL, Evidence, Kind
from pulse.risk.laws import FLAGS

KINDS = get_args(Kind)


def anyhow(random: Random) -> Evidence:
    """Evidence of which any part may be missing."""
    known = [name for name in OPTIONAL if random.random() < 0.6]
    return Evidence(
        consent=random.random() < 0.8,
        network_age_days=random.choice((0.0, random.uniform(0, 400))),
        **{name: _value(name, random) for name in known},
    )


def _value(name: str, random: Random) -> Any:
    if name in FLAGS:
        return random.random() < 0.5
    match name:
        case "network" | "as_kind":
            return random.choice(KINDS)
        case "crawler":
            return random.choice(("verified", "spoofed"))
        case "as_bits":
            return random.uniform(0, 5)
        case "timezone_hours" | "crowd" | "rtt_ratio":
            return random.expovariate(0.5) % 26
        case "bot_score":
            return random.randrange(101)
        case _:
            return int(random.expovariate(0.3))
