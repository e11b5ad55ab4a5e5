"""How signs add up to log-odds: the weight of each, within its group."""

from collections.abc import Mapping
from math import expm1, log1p

from pulse.risk.code import CODES, GROUPS, HALF_LIVES, Group
from pulse.risk.signs import Signs

Grouped = list[tuple[Group, list[tuple[str, float]]]]
Parts = dict[str, float]
"""What each code adds, in nats."""

GROUP_OF = {code: GROUPS[each.group] for code, each in CODES.items()}
HOSTING = "NET_HOSTING"
NETWORK = tuple(code for code, each in CODES.items() if each.group == "network")
GEO = tuple(code for code, each in CODES.items() if each.group == "geo")


def grouped(signs: Signs) -> Grouped:
    """The signs by their groups; those of a group stand together in any order."""
    found: dict[str, list[tuple[str, float]]] = {}
    for code, strength in signs.items():
        found.setdefault(CODES[code].group, []).append((code, strength))
    return [(GROUPS[name], members) for name, members in found.items()]


def parts_of(weights: Mapping[str, float], groups: Grouped, age_days: float = 0.0) -> Parts:
    """What each code adds to a score with these weights, which are 0 or more; codes that add nothing are left out."""
    found: Parts = {}
    for group, members in groups:
        values = []
        for code, strength in members:
            value = weights.get(code, 0.0) * strength
            if value > 0:
                values.append((_aged(value, code, age_days) if age_days else value, code))
        if len(values) == 1:
            [(value, code)] = values
            found[code] = min(value, group.most)
        elif values:
            _share(values, group, found)
    if HOSTING in found:
        _spare_foreigners(weights, groups, age_days, found)
    return found


def _share(values: list[tuple[float, str]], group: Group, found: Parts) -> None:
    """The strongest whole, the others in part, all together no more than the group's most."""
    strongest, leading = max(values)
    if not group.others:
        found[leading] = min(strongest, group.most)
        return
    total = strongest + group.others * (sum([value for value, _ in values]) - strongest)
    scale = min(1.0, group.most / total)
    for value, code in values:
        found[code] = value * scale * group.others
    found[leading] = strongest * scale


def _aged(value: float, code: str, age_days: float) -> float:
    """What a list's word is worth at its age: a share q of its addresses is still what it says, so ln(1 + q·(e^w − 1))."""
    if code not in HALF_LIVES:
        return value
    return log1p(2 ** (-age_days / HALF_LIVES[code]) * expm1(value))


def _spare_foreigners(weights: Mapping[str, float], groups: Grouped, age_days: float, found: Parts) -> None:
    """Where a server stands is uncertain, so a foreign clock counts half there: of what the server's address itself added."""
    total = sum(found.get(code, 0.0) for code in GEO)
    if not total:
        return
    [members] = [members for group, members in groups if group is GROUPS["network"]]
    others = [_aged(weights.get(code, 0.0) * x, code, age_days) for code, x in members if code != HOSTING]
    less = min(total / 2, found[HOSTING] - max(others, default=0.0))
    for code in GEO:
        if code in found:
            found[code] *= 1 - less / total
