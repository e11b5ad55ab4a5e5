"""The attempts at a funnel in SQL: what becomes of one that has reached a step and meets the next event, told backwards
from each unit's last event, so that every event is looked at once a step, however many attempts there are.
"""

from collections.abc import Iterator, Sequence

from clickhouse.reports.field import field_of
from clickhouse.reports.filter import Filter, Parameters, sql_of, text
from clickhouse.reports.funnel import FunnelQuery
from clickhouse.reports.scope import WHO
from clickhouse.reports.source import rows_of
from clickhouse.reports.statement import text_of

STOP = 0
"""In place of a step: where an attempt was ended, by an exclusion or, in strict order, by another event."""
PLACE_BITS = 21
NARROW_BITS = 22
"""How many bits beside the moment a number of 64 bits has room for."""


def attempts(asked: FunnelQuery, bound: Parameters) -> str:
    """The attempts that count, one a row: `who`, `times`, `level`, `value`, `is_told`. Raises QueryError."""
    bound |= {"entry_end": asked.scope.end_ms, "end": asked.scope.end_ms + asked.longest_ms}
    bound["longest"] = asked.longest_ms
    walked = _walked(asked, _arrays(asked, _events(asked, bound)))
    names = [f"s{m}" for m in _columns(asked)]
    columns = [f"{_prefix(asked)}_{m}" for m in _columns(asked)]
    levels = text_of(
        "funnel_levels",
        names=", ".join(names),
        columns=", ".join(columns),
        entry=str(_entry(asked)),
        level=_level(asked),
        inner=walked,
    )
    chosen = _totals(asked, levels, names, columns) if asked.count == "totals" else _best(asked, levels)
    is_divided = asked.hold is not None or (asked.window_ms is None and asked.count != "sessions")
    return text_of(
        "funnel_attempts",
        told=_told(asked),
        value=f"values[bitAnd(told, {2**PLACE_BITS - 1})]" if asked.breakdown else "''",
        choice=text_of("funnel_choice") if is_divided and asked.count != "totals" else "",
        inner=chosen,
    )


def _events(asked: FunnelQuery, bound: Parameters) -> str:
    within_session = asked.count == "sessions" or asked.window_ms is None
    everything = asked.order == "strict"
    value = text(field_of(asked.breakdown, "breakdown"), bound) if asked.breakdown else "''"
    held = text(field_of(asked.hold, "hold"), bound) if asked.hold else ""
    parts = _parts(asked, bound)
    return text_of(
        "funnel_events",
        who=WHO["users" if asked.count == "totals" else asked.count],
        part=f"tuple({', '.join(parts)})" if parts else "''",
        value=f"toString({value})",
        fits=_fits(asked, bound),
        exclusions=str(len(asked.exclusions)),
        packed="toUInt64" if _bits(asked) <= NARROW_BITS else "toUInt128",
        bits=str(_bits(asked)),
        item="(packed, value)" if asked.breakdown else "packed",
        rows=rows_of(asked.scope, "sessions" if within_session else "visitors"),
        filter=asked.scope.filtered(bound),
        held=f"{held} != ''" if held else "1",
        wanted="1" if everything else "fits != 0",
        entry=str(_entry(asked)),
    )


def _parts(asked: FunnelQuery, bound: Parameters) -> list[str]:
    """What must be the same at all steps, beside who it is."""
    session = ["session"] if asked.window_ms is None and asked.count != "sessions" else []
    return session + ([text(field_of(asked.hold, "hold"), bound)] if asked.hold else [])


def _fits(asked: FunnelQuery, bound: Parameters) -> str:
    """A bit for each exclusion and each step that an event fits."""
    exclusions = [
        _is(each.event, each.filter, bound, f"exclusions[{n}].filter") for n, each in enumerate(asked.exclusions)
    ]
    steps = [_is(each.event, each.filter, bound, f"steps[{n}].filter") for n, each in enumerate(asked.steps)]
    return " + ".join(f"toUInt64({is_so}) * {1 << n}" for n, is_so in enumerate(exclusions + steps))


def _is(event: str | None, some: Filter, bound: Parameters, where: str) -> str:
    passes = sql_of(some, bound, where)
    return passes if event is None else f"(event = {bound.bind(event, 'String')} AND {passes})"


def _arrays(asked: FunnelQuery, inner: str) -> str:
    return text_of(
        "funnel_arrays",
        values="items.2" if asked.breakdown else "emptyArrayString()",
        packed="items.1" if asked.breakdown else "items",
        bits=str(_bits(asked)),
        all=str((1 << len(asked.steps) + len(asked.exclusions)) - 1),
        inner=inner,
    )


def _bits(asked: FunnelQuery) -> int:
    return 5 + len(asked.steps) + len(asked.exclusions)


def _bit(asked: FunnelQuery, step: int) -> int:
    return 1 << len(asked.exclusions) + step - 1


def _entry(asked: FunnelQuery) -> int:
    """The bits of the steps with which an attempt may begin."""
    steps = range(1, len(asked.steps) + 1) if asked.order == "any" else (1,)
    return sum(_bit(asked, step) for step in steps)


def _columns(asked: FunnelQuery) -> list[int]:
    return list(range(1 if asked.order == "any" else 2, len(asked.steps) + 1))


def _prefix(asked: FunnelQuery) -> str:
    return "first" if asked.order == "any" else "next1"


def _walked(asked: FunnelQuery, inner: str) -> str:
    """A layer for each step, the last first: `next{k}_{m}` is for each event the key of the one by which an attempt that has
    just reached step k with it will reach step m, 0 if it will not; and `stops` where the attempt will be ended."""
    if asked.order == "any":
        columns = [f"{_filled(f'if(bitAnd(f, {b}) != 0, key, 0)', [], b)} AS first_{m}" for m, b in _bits_of(asked)]
        nothing = "arrayMap(key -> toUInt64(0), keys) AS stops"
        return text_of("funnel_layer", columns=", ".join((*columns, nothing)), inner=inner)
    for step in range(len(asked.steps) - 1, 0, -1):
        columns = list(_layer(asked, step))
        if step == 1:
            columns.append("next1_0 AS stops")
        inner = text_of("funnel_layer", columns=",\n    ".join(columns), inner=inner)
    return inner


def _bits_of(asked: FunnelQuery) -> Iterator[tuple[int, int]]:
    return ((step, _bit(asked, step)) for step in range(1, len(asked.steps) + 1))


def _layer(asked: FunnelQuery, step: int) -> Iterator[str]:
    after = _after(asked, step)
    stop = sum(1 << n for n, each in enumerate(asked.exclusions) if each.from_step <= step < each.to_step)
    decisive = None if asked.order == "strict" else stop + sum(_bit(asked, each) for each in after)
    for wanted in (STOP, *range(step + 1, len(asked.steps) + 1)):
        cases, used = [], []
        if stop:
            cases.append(f"bitAnd(f, {stop}) != 0, {'key' if wanted == STOP else 'toUInt64(0)'}")
        for taken in reversed(after):
            value = _outcome(asked, taken, wanted)
            used += [value] if value.startswith("next") else []
            cases.append(f"bitAnd(f, {_bit(asked, taken)}) != 0, {value}")
        otherwise = "key" if wanted == STOP and asked.order == "strict" else "toUInt64(0)"
        found = _filled(f"multiIf({', '.join(cases)}, {otherwise})", used, decisive)
        yield f"arrayPushBack(arrayPopFront({found}), toUInt64(0)) AS next{step}_{wanted}"


def _outcome(asked: FunnelQuery, taken: int, wanted: int) -> str:
    """Of an attempt that takes a step: the key by which it reaches the wanted one."""
    if taken == wanted:
        return "key"
    is_ahead = taken < len(asked.steps) and (wanted == STOP or wanted > taken)
    return f"next{taken}_{wanted}" if is_ahead else "toUInt64(0)"


def _filled(value: str, used: Sequence[str], decisive: int | None) -> str:
    """For each event the value at the first decisive one from there on; at the event itself where every one is decisive."""
    names = ", ".join(("f", "key", *used))
    columns = ", ".join(("fits", "keys", *used))
    own = f"arrayMap(({names}) -> toUInt64({value}), {columns})"
    return own if decisive is None else f"arrayReverseFill((v, f) -> bitAnd(f, {decisive}) != 0, {own}, fits)"


def _after(asked: FunnelQuery, step: int) -> list[int]:
    """The steps that may follow one: the next, and those beyond it as long as all between are optional."""
    found = []
    for after in range(step + 1, len(asked.steps) + 1):
        found.append(after)
        if not asked.steps[after - 1].optional:
            break
    return found


def _within(name: str) -> str:
    return f"({name} > 0 AND {name} < until)"


def _level(asked: FunnelQuery) -> str:
    if asked.order == "any":
        return " + ".join(_within(f"s{m}") for m in _columns(asked))
    furthest = [f"{m} * {_within(f's{m}')}" for m in _columns(asked)]
    return f"greatest(1, {', '.join(furthest)})"


def _found(asked: FunnelQuery, first: str, others: Sequence[str]) -> str:
    """The keys by which an attempt reached each step."""
    if asked.order == "any":
        reached = f"arrayFilter(k -> k > 0 AND k < until, [{', '.join(others)}])"
        return f"arrayResize(arraySort({reached}), {len(asked.steps)}, toUInt64(0))"
    return f"arrayMap(k -> if(k < until, k, toUInt64(0)), [{', '.join((first, *others))}])"


def _best(asked: FunnelQuery, inner: str) -> str:
    others = [f"{_prefix(asked)}_{m}[i]" for m in _columns(asked)]
    return text_of("funnel_best", found=_found(asked, "keys[i]", others), inner=inner)


def _totals(asked: FunnelQuery, inner: str, names: Sequence[str], columns: Sequence[str]) -> str:
    done = f"arrayMax([{', '.join(names)}])" if asked.order == "any" else names[-1]
    return text_of(
        "funnel_totals",
        names=", ".join(names),
        columns=", ".join(columns),
        chosen=", ".join(f"arrayFilter((x, chosen) -> chosen, {column}, chosen)" for column in columns),
        found=_found(asked, "key", names),
        end=f"multiIf(level = {len(asked.steps)}, {done} + 1, stop > 0 AND stop < until, stop, until)",
        inner=inner,
    )


def _told(asked: FunnelQuery) -> str:
    """The key of the event whose value the breakdown tells, 0 if there is none."""
    return f"found[{asked.attribution}]" if asked.attribution else "arrayLast(key -> key > 0, found)"
