"""The statement that makes rows of saved funnels out of events."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from string import Template

from clickhouse.client import text_of

PARAMETER = re.compile(r"\{p(\d+):")
NONE = "CAST([], 'Array(Tuple(UInt64, UInt32))')"

LONG: dict[str, object] = {
    "max_query_size": 64_000_000,
    "max_ast_elements": 5_000_000,
    "max_expanded_ast_elements": 5_000_000,
}
"""What a statement may be that holds the expressions of all saved funnels."""


@dataclass(frozen=True)
class Entry:
    """A build: a bit for each exclusion and step that an event of the site fits, as an expression of parameters p0, p1, …"""

    build: int
    site: str
    fits: str
    bound: Mapping[str, object]


def statement(entries: Sequence[Entry], more: str = "") -> tuple[str, dict[str, object]]:
    """The rows of some builds, and the statement's parameters; `more` is a further condition on the events.

    Each event is looked at by the builds of its own site alone.
    """
    bound: dict[str, object] = {}
    cases = []
    sites = list(dict.fromkeys(entry.site for entry in entries))
    for n, site in enumerate(sites):
        own = ", ".join(_pair(entry, bound) for entry in entries if entry.site == site)
        bound[f"site{n}"] = site
        cases.append(f"site_id = {{site{n}:String}}, [{own}]")
    bound["sites"] = sites
    text = Template(text_of("funnels/rows")).substitute(
        entries=f"multiIf({', '.join(cases)}, {NONE})", where="site_id IN {sites:Array(String)}" + more
    )
    return text, bound


def _pair(entry: Entry, bound: dict[str, object]) -> str:
    """The build's number and what an event fits of it, its parameters under names that no other build's have."""
    bound |= {f"b{entry.build}{name}": value for name, value in entry.bound.items()}
    fits = PARAMETER.sub(rf"{{b{entry.build}p\1:", entry.fits)
    return f"(toUInt64({entry.build}), toUInt32({fits}))"
