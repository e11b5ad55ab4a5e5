"""The attempts at a funnel in SQL: what becomes of one that has reached a step and meets the next event, told backwards
from each unit's last event, so that every event is looked at once a step, however many attempts there are.
"""

from collections.abc import Iterator, Sequence

from clickhouse.reports.field import field_of
from clickhouse.reports.filter import Filter, Parameters, sql_of, text
from clickhouse.reports.funnel import FunnelQuery
from clickhouse.reports.funnel_straight import is_straight, straight
from clickhouse.reports.scope import Unit, hashed_of
from clickhouse.reports.source import rows_of
from clickhouse.reports.statement import text_of

STOP = 0
"""In place of a step: where an attempt was ended, by an exclusion or, in strict order, by another event."""
PLACE_BITS = 21
NARROW_BITS = 22
"""How many bits beside the moment a number of 64 bits has room for."""
FIRST = "if(fitting = 0, 31, bitCount(bitXor(fitting, fitting - 1)) - 1)"
"""By it events of one moment are in order: by the first step they fit. Where each fits one alone, that is what they fit."""
KEPT_WHO: dict[Unit, str] = {"users": "person", "visitors": "visitor"}
"""The same as `scope.WHO` in the rows of a saved funnel, where names are hashed; of no use once people are identified."""


def attempts(asked: FunnelQuery, bound: Parameters, named: bool = False) -> str:
    """The attempts that count, one a row: `who`, `times`, `level`, `value`, and where there is a breakdown `is_told`. Raises QueryError.

    `who` is the name of somebody where it is to be `named`, else what tells them from others.
    """
    bound |= {"entry_end": asked.scope.end_ms, "end": asked.scope.end_ms + asked.longest_ms}
    bound["longest"] = asked.longest_ms
    is_divided = asked.hold is not None or (asked.window_ms is None and asked.count != "sessions")
    choice = text_of("funnel_choice") if is_divided and asked.count != "totals" else ""
    events = _events(asked, bound, named)
    if is_straight(asked):
        return straight(asked, events, _bits(asked), _bears_repetitions(asked), choice)
    walked = _walked(asked, _arrays(asked, events))
    levels = text_of("funnel_levels", entry=str(_entry(asked)), level=_level(asked), inner=walked)
    counted = (
        _totals(asked, levels) if asked.count == "totals" else text_of("funnel_best", found=_found(asked), inner=levels)
    )
    return text_of(
        "funnel_attempts",
        told=_told(asked),
        value=f"values[bitAnd(told, {2**PLACE_BITS - 1})]" if asked.breakdown else "''",
        choice=choice,
        inner=counted,
    )


def _events(asked: FunnelQuery, bound: Parameters, named: bool) -> str:
    within_session = asked.count == "sessions" or asked.window_ms is None
    everything = asked.order == "strict"
    value = text(field_of(asked.breakdown, "breakdown"), bound) if asked.breakdown else "''"
    held = text(field_of(asked.hold, "hold"), bound) if asked.hold else ""
    parts = _parts(asked, bound)
    is_kept = asked.build is not None
    return text_of(
        "funnel_events",
        who=_who(asked, named),
        part=f"tuple({', '.join(parts)})" if parts else "''",
        own_part="part" if parts else "''",
        keys="who, part" if parts else "who",
        value=f"toString({value})",
        fits="toUInt64(fits)" if is_kept else fits(asked, bound),
        exclusions=str(len(asked.exclusions)),
        first=FIRST if everything or asked.exclusions or not _bears_repetitions(asked) else "0",
        packed="toUInt64" if _bits(asked) <= NARROW_BITS else "toUInt128",
        bits=str(_bits(asked)),
        beside=str(_bits(asked) - 5),
        item="(packed, value)" if asked.breakdown else "packed",
        items=_items(asked),
        number=".1" if asked.breakdown else "",
        rows=_kept(asked, bound) if is_kept else rows_of(asked.scope, "sessions" if within_session else "visitors"),
        filter=asked.scope.filtered(bound),
        held=f"{held} != ''" if held else "1",
        named="1" if everything or is_kept else _named(asked, bound),
        wanted="1" if everything else "fits != 0",
        entry=str(_entry(asked)),
    )


def _who(asked: FunnelQuery, named: bool) -> str:
    """The expression that tells one unit from another."""
    unit: Unit = "users" if asked.count == "totals" else asked.count
    if asked.build is not None and not asked.scope.people:
        return KEPT_WHO[unit]
    return asked.scope.who(unit) if named or unit == "sessions" else hashed_of(unit, asked.scope.people)


def _items(asked: FunnelQuery) -> str:
    """The events of a unit that matter: of who has none that may follow the first step only the first to begin with."""
    if asked.order == "any" or asked.count == "totals":
        return "every"
    number = ".1" if asked.breakdown else ""
    later = sum(_bit(asked, step) for step in _after(asked, 1))
    since = (
        f"bitShiftLeft({'toUInt64' if _bits(asked) <= NARROW_BITS else 'toUInt128'}({{start:Int64}}), {_bits(asked)})"
    )
    begins = f"bitAnd(x{number}, {_entry(asked)}) != 0 AND x{number} >= {since}"
    return f"if(arrayExists(x -> bitAnd(x{number}, {later}) != 0, every), every, [arrayFirst(x -> {begins}, every)])"


def _parts(asked: FunnelQuery, bound: Parameters) -> list[str]:
    """What must be the same at all steps, beside who it is."""
    session = ["session"] if asked.window_ms is None and asked.count != "sessions" else []
    return session + ([text(field_of(asked.hold, "hold"), bound)] if asked.hold else [])


def _kept(asked: FunnelQuery, bound: Parameters) -> str:
    """The rows of a saved funnel. Those that stand there twice are told from others only where that matters: it takes long."""
    bound["build"] = asked.build
    return text_of("funnel_kept", final="" if _bears_repetitions(asked) else "FINAL")


def _bears_repetitions(asked: FunnelQuery) -> bool:
    """Whether an event that is there twice is no matter: it is not where it fits one step alone, and attempts are not counted."""
    names = [step.event for step in asked.steps]
    return asked.count != "totals" and None not in names and len({*names}) == len(names)


def fits(asked: FunnelQuery, bound: Parameters) -> str:
    """A bit for each exclusion and each step that an event fits. Raises QueryError."""
    exclusions = [
        _is(each.event, each.filter, bound, f"exclusions[{n}].filter") for n, each in enumerate(asked.exclusions)
    ]
    steps = [_is(each.event, each.filter, bound, f"steps[{n}].filter") for n, each in enumerate(asked.steps)]
    return " + ".join(f"toUInt64({is_so}) * {1 << n}" for n, is_so in enumerate(exclusions + steps))


def _named(asked: FunnelQuery, bound: Parameters) -> str:
    """Whether an event has one of the names that matter, where all that fits has one: by these the store finds it."""
    names = {each.event for each in asked.steps} | {each.event for each in asked.exclusions}
    return "1" if None in names else f"event IN {bound.bind(sorted(map(str, names)), 'Array(String)')}"


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


def _walked(asked: FunnelQuery, inner: str) -> str:
    """A layer for each step, the last first: `ahead{k}` is for each event the keys of those by which an attempt that has just
    reached step k with it will reach the steps after k, 0 for none, and at the end the key of the one that will end it."""
    if asked.order == "any":
        steps = [_bit(asked, step) for step in range(1, len(asked.steps) + 1)]
        names = ", ".join(f"s{n}" for n in range(1, len(asked.steps) + 1))
        columns = ", ".join(_filled(f"if(bitAnd(f, {bit}) != 0, key, toUInt64(0))", [], bit) for bit in steps)
        ahead = f"arrayMap(({names}) -> [{names}], {columns})"
        return text_of("funnel_layer", columns=f"{ahead} AS ahead1", inner=inner)
    for step in range(len(asked.steps) - 1, 0, -1):
        inner = text_of(
            "funnel_layer", columns=", ".join((*_still_needed(asked, step), _layer(asked, step))), inner=inner
        )
    return inner


def _still_needed(asked: FunnelQuery, step: int) -> Iterator[str]:
    """The columns of later steps that this layer hands on to those of the steps before it."""
    for later in range(step + 1, len(asked.steps)):
        if any(later in _after(asked, before) for before in range(1, step)):
            yield f"ahead{later}"


def _layer(asked: FunnelQuery, step: int) -> str:
    after = _after(asked, step)
    last = len(asked.steps)
    stop = sum(1 << n for n, each in enumerate(asked.exclusions) if each.from_step <= step < each.to_step)
    decisive = None if asked.order == "strict" else stop + sum(_bit(asked, each) for each in after)
    ended = f"arrayPushBack(arrayWithConstant({last - step}, toUInt64(0)), key)"
    cases = [f"bitAnd(f, {stop}) != 0, {ended}"] if stop else []
    for taken in reversed(after):
        reached = f"[{'toUInt64(0), ' * (taken - step - 1)}key]"
        cases.append(
            f"bitAnd(f, {_bit(asked, taken)}) != 0, "
            + (reached if taken == last else f"arrayConcat({reached}, ahead{taken})")
        )
    used = [f"ahead{taken}" for taken in after if taken != last]
    otherwise = ended if asked.order == "strict" else "emptyArrayUInt64()"
    found = _filled(f"multiIf({', '.join(cases)}, {otherwise})", used, decisive)
    return f"arrayPushBack(arrayPopFront({found}), emptyArrayUInt64()) AS ahead{step}"


def _filled(value: str, used: Sequence[str], decisive: int | None) -> str:
    """For each event the value at the first decisive one from there on; at the event itself where every one is decisive."""
    names = ", ".join(("f", "key", *used))
    columns = ", ".join(("fits", "keys", *used))
    own = f"arrayMap(({names}) -> {value}, {columns})"
    return own if decisive is None else f"arrayReverseFill((v, f) -> bitAnd(f, {decisive}) != 0, {own}, fits)"


def _after(asked: FunnelQuery, step: int) -> list[int]:
    """The steps that may follow one: the next, and those beyond it as long as all between are optional."""
    found = []
    for after in range(step + 1, len(asked.steps) + 1):
        found.append(after)
        if not asked.steps[after - 1].optional:
            break
    return found


def _level(asked: FunnelQuery) -> str:
    """How far the keys ahead reach."""
    if asked.order == "any":
        return "arrayCount(k -> k > 0 AND k < until, ahead)"
    steps = (
        f"arraySlice(ahead, 1, {len(asked.steps) - 1})"
        if asked.count == "totals" or asked.exclusions or asked.order == "strict"
        else "ahead"
    )
    return f"1 + arrayLastIndex(k -> k > 0 AND k < until, {steps})"


def _found(asked: FunnelQuery) -> str:
    """The keys by which an attempt reached each step, out of its `key`, `until` and `ahead`."""
    count = len(asked.steps)
    if asked.order == "any":
        return f"arrayResize(arraySort(arrayFilter(k -> k > 0 AND k < until, ahead)), {count}, toUInt64(0))"
    reached = "arrayMap(k -> if(k < until, k, toUInt64(0)), arrayPushFront(ahead, key))"
    return f"arrayResize({reached}, {count}, toUInt64(0))"


def _totals(asked: FunnelQuery, inner: str) -> str:
    count = len(asked.steps)
    done, stop = (
        ("arrayMax(ahead)", "toUInt64(0)") if asked.order == "any" else (f"ahead[{count - 1}]", f"ahead[{count}]")
    )
    end = f"multiIf(level = {count}, {done} + 1, {stop} > 0 AND {stop} < until, {stop}, until)"
    return text_of("funnel_totals", found=_found(asked), end=end, inner=inner)


def _told(asked: FunnelQuery) -> str:
    """The key of the event whose value the breakdown tells, 0 if there is none."""
    return f"found[{asked.attribution}]" if asked.attribution else "arrayLast(key -> key > 0, found)"
