"""Evidence for laws: any of what can be told, in any combination."""

from typing import get_args

from hypothesis import strategies as st

from pulse.risk.evidence import Evidence, Kind
from pulse.risk.laws import FLAGS

KINDS = st.sampled_from(get_args(Kind))
COUNTS = st.integers(0, 12) | st.integers(0, 1_000_000)
ANY = {
    **{name: st.none() | st.booleans() for name in FLAGS},
    **{name: st.none() | COUNTS for name in ("asn", "ips", "asns", "countries", "sessions", "inconsistencies")},
    "network": st.none() | KINDS,
    "as_kind": st.none() | KINDS,
    "as_bits": st.none() | st.floats(0, 8),
    "crawler": st.none() | st.sampled_from(("verified", "spoofed")),
    "bot_score": st.none() | st.integers(0, 100),
    "timezone_hours": st.none() | st.floats(0, 26),
    "rtt_ratio": st.none() | st.floats(0, 10),
    "crowd": st.none() | st.floats(0, 1_000),
}

evidence = st.builds(
    Evidence,
    consent=st.booleans(),
    network_age_days=st.just(0.0) | st.floats(0, 2_000),
    **ANY,
)
