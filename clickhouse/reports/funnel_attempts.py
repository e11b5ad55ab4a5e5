"""The attempts at a funnel in SQL: what becomes of one that has reached a step and meets the next event, told backwards
from each unit's last event, so that every event is looked at once a step, however many attempts there are.
"""

from collections.abc import Iterator, Sequence

from clickhouse.reports.field import field_of
from clickhouse.reports.filter import Filter, Parameters, sql_of, text
from clickhouse.reports.funnel import FunnelQuery
from clickhouse.reports.scope import Unit, hashed_of
from clickhouse.reports.source import rows_of
from clickhouse.reports.statement import text_of

STOP = 0
"""In place of a step: where an attempt was ended, by an exclusion or, in strict order, by another event."""
NOTHING = "toUInt64(0)"
PLACE_BITS = 21
NARROW_BITS = 22
"""How many bits beside the moment a number of 64 bits has room for."""
KEPT_WHO: dict[Unit, str] = {"users": "person", "visitors": "visitor"}
"""The same as `scope.WHO` in the rows of a saved funnel, where names are hashed; of no use once people are identified."""


def attempts(asked: FunnelQuery, bound: Parameters, named: bool = False) -> str:
    """The attempts that count, one a row: `who`, `times`, `level`, `value`, `is_told`. Raises QueryError.

    `who` is the name of somebody where it is to be `named`, else what tells them from others.
    """
    bound |= {"entry_end": asked.scope.end_ms, "end": asked.scope.end_ms + asked.longest_ms}
    bound["longest"] = asked.longest_ms
    walked = _walked(asked, _arrays(asked, _events(asked, bound, named)))
    levels = text_of(
        "funnel_levels", entry=str(_entry(asked)), level=_level(asked), inner=walked, **_names(asked, _ahead(asked))
    )
    counted = _totals(asked, levels) if asked.count == "totals" else _best(asked, levels)
    is_divided = asked.hold is not None or (asked.window_ms is None and asked.count != "sessions")
    return text_of(
        "funnel_attempts",
        told=_told(asked),
        value=f"values[bitAnd(told, {2**PLACE_BITS - 1})]" if asked.breakdown else "''",
        choice=text_of("funnel_choice") if is_divided and asked.count != "totals" else "",
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
        packed="toUInt64" if _bits(asked) <= NARROW_BITS else "toUInt128",
        bits=str(_bits(asked)),
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
    """A layer for each step, the last first: `next{j}_{k}` is for each event the key of the one by which an attempt that has just
    reached step j with it will reach step k, 0 for none, and `next{j}_0` the key of the one that will end it."""
    if asked.order == "any":
        steps = range(1, len(asked.steps) + 1)
        columns = (_filled(_case([(_bit(asked, n), "key")]), [], _bit(asked, n)) + f" AS {_next(1, n)}" for n in steps)
        return text_of("funnel_layer", columns=", ".join(columns), inner=inner)
    for step in range(len(asked.steps) - 1, 0, -1):
        inner = text_of(
            "funnel_layer", columns=", ".join((*_still_needed(asked, step), *_layer(asked, step))), inner=inner
        )
    return inner


def _next(step: int, later: int) -> str:
    return f"next{step}_{later}"


def _ends(asked: FunnelQuery) -> bool:
    """Whether there is anything that ends an attempt before its time."""
    return bool(asked.exclusions) or asked.order == "strict"


def _ahead(asked: FunnelQuery, step: int = 1) -> list[int]:
    """What is told of an attempt that has reached a step: each later one, and what ends it if anything may."""
    first = 1 if asked.order == "any" else step + 1
    return [*range(first, len(asked.steps) + 1), *([STOP] if _ends(asked) else [])]


def _names(asked: FunnelQuery, ahead: Sequence[int]) -> dict[str, str]:
    """The columns of the first layer, and the names of their values within an expression."""
    return {"next": ", ".join(f"n{k}" for k in ahead), "columns": ", ".join(_next(1, k) for k in ahead)}


def _still_needed(asked: FunnelQuery, step: int) -> Iterator[str]:
    """The columns of later steps that this layer hands on to those of the steps before it."""
    for later in range(step + 1, len(asked.steps)):
        if any(later in _after(asked, before) for before in range(1, step)):
            yield from (_next(later, k) for k in _ahead(asked, later))


def _layer(asked: FunnelQuery, step: int) -> Iterator[str]:
    after = _after(asked, step)
    stop = sum(1 << n for n, each in enumerate(asked.exclusions) if each.from_step <= step < each.to_step)
    decisive = None if asked.order == "strict" else stop + sum(_bit(asked, each) for each in after)
    for k in _ahead(asked, step):
        cases = [(stop, "key" if k == STOP else NOTHING)] if stop else []
        cases += [(_bit(asked, taken), _taken(asked, taken, k)) for taken in reversed(after)]
        otherwise = "key" if k == STOP and asked.order == "strict" else NOTHING
        used = [_next(taken, k) for taken in after if _taken(asked, taken, k) == _next(taken, k)]
        found = _filled(_case(cases, otherwise), used, decisive)
        yield f"arrayPushBack(arrayPopFront({found}), {NOTHING}) AS {_next(step, k)}"


def _taken(asked: FunnelQuery, taken: int, later: int) -> str:
    """The key of what follows for an attempt that takes a step with an event."""
    if later == taken:
        return "key"
    is_ahead = later > taken or later == STOP
    return _next(taken, later) if is_ahead and taken < len(asked.steps) else NOTHING


def _case(cases: Sequence[tuple[int, str]], otherwise: str = NOTHING) -> str:
    """The value of the first of some bits that an event fits."""
    return f"multiIf({', '.join(f'bitAnd(f, {bits}) != 0, {value}' for bits, value in cases)}, {otherwise})"


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
    steps = [k for k in _ahead(asked) if k != STOP]
    if asked.order == "any":
        return " + ".join(f"toUInt8({_is_within(k)})" for k in steps)
    return f"multiIf({', '.join(f'{_is_within(k)}, {k}' for k in reversed(steps))}, 1)"


def _is_within(step: int) -> str:
    return f"(n{step} > 0 AND n{step} < until)"


def _found(asked: FunnelQuery) -> str:
    """The keys by which an attempt reached each step, out of its `key`, its `until` and those ahead."""
    count, steps = len(asked.steps), [k for k in _ahead(asked) if k != STOP]
    reached = ", ".join(f"if({_is_within(k)}, n{k}, {NOTHING})" for k in steps)
    if asked.order == "any":
        return f"arrayResize(arraySort(arrayFilter(k -> k > 0, [{reached}])), {count}, {NOTHING})"
    return f"[key, {reached}]"


def _best(asked: FunnelQuery, inner: str) -> str:
    own = ", ".join(f"{_next(1, k)}[i] AS n{k}" for k in _ahead(asked))
    return text_of("funnel_best", columns=own, found=_found(asked), inner=inner)


def _totals(asked: FunnelQuery, inner: str) -> str:
    count, ahead = len(asked.steps), _ahead(asked)
    done = f"greatest({', '.join(f'n{k}' for k in ahead)})" if asked.order == "any" else f"n{count}"
    stopped = f"n{STOP} > 0 AND n{STOP} < until, n{STOP}, " if STOP in ahead else ""
    chosen = ", ".join(f"arrayFilter((x, chosen) -> chosen, {_next(1, k)}, chosen)" for k in ahead)
    return text_of(
        "funnel_totals",
        found=_found(asked),
        end=f"multiIf(level = {count}, {done} + 1, {stopped}until)",
        chosen=chosen,
        inner=inner,
        **_names(asked, ahead),
    )


def _told(asked: FunnelQuery) -> str:
    """The key of the event whose value the breakdown tells, 0 if there is none."""
    return f"found[{asked.attribution}]" if asked.attribution else "arrayLast(key -> key > 0, found)"
