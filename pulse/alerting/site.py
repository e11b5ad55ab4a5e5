"""The rules of one site with all that their evaluation remembers: series, states, groups."""

from collections.abc import Callable, Container, Iterable, Iterator, Mapping
from dataclasses import replace
from typing import NamedTuple

from pulse.alerting.look import Look, look
from pulse.alerting.rule import AHEAD, CATCH_UP, MOST_GROUPS, OF_MINUTES
from pulse.alerting.selector import ALL, Selector
from pulse.alerting.series import Series
from pulse.alerting.state import TOLD, Change, State, Status, after, over
from pulse.alerting.watched import Watched
from pulse.alerting.windows import Answer, Groups, Question, Windows
from pulse.minute import MINUTE_MS, Partial

MOST_KEYS = 20_000
"""Keys of partials of which it is remembered who counts them."""

Of = tuple[str, str]
"""A rule's id and a group."""


class Told(NamedTuple):
    """What is to be told: of which rule and group, and what was seen; `is_cut` where there are groups that are not watched."""

    watched: Watched
    group: str
    change: Change
    seen: Look
    why: str = ""
    is_cut: bool = False


class Tally:
    """The series that rules of one selector share, one for each group; of groups beyond the bound nothing is kept."""

    def __init__(self, selector: Selector, reach: int) -> None:
        self.selector = selector
        self.reach = reach
        self.groups: dict[str, Series] = {}
        self.left_out = 0
        if not selector.group_by:
            self._new(ALL)

    def add(self, partial: Partial, fires: Callable[[Selector, str], bool]) -> None:
        """Count a partial that the selector takes. A group that fires is not given up for another."""
        group, value, volume = self.selector.counted(partial)
        series = self.groups.get(group) or self._room(group, partial.minute // MINUTE_MS, fires)
        if series is None:
            self.left_out += 1
        else:
            series.add(partial.minute // MINUTE_MS, value, volume)

    def _room(self, group: str, minute: int, fires: Callable[[Selector, str], bool]) -> Series | None:
        """A series for a new group; where there is no room, in place of one of which nothing is left."""
        if len(self.groups) >= MOST_GROUPS:
            for name, series in self.groups.items():
                if not series.volumes.total(minute - self.reach, minute) and not fires(self.selector, name):
                    del self.groups[name]
                    break
            else:
                return None
        return self._new(group)

    def _new(self, group: str) -> Series:
        made = Series(self.reach + CATCH_UP + AHEAD, self.selector.is_money, self.selector.is_one)
        self.groups[group] = made
        return made


class Site:
    """Rules that watch one site. `states` are those that somebody was told of, or that are on the way there."""

    def __init__(self, rules: Iterable[Watched], states: Mapping[Of, State] | None = None, beyond: int = 0) -> None:
        """`beyond` is how many minutes more the series are to hold than the rules look back to."""
        self.rules: dict[str, Watched] = {}
        self.states: dict[Of, State] = dict(states or {})
        self.tallies: dict[Selector, Tally] = {}
        self.asked: dict[Question, Groups] = {}
        self.touched: set[Selector] = set()
        self._takers: dict[tuple[str, str, str, str], list[Tally]] = {}
        for each in sorted(rules, key=lambda rule: (rule.rule.depends_on is not None, rule.id)):
            self._put(each, beyond)
        self.states = {of: self._anew(of, state) for of, state in self.states.items()}

    def _put(self, watched: Watched, beyond: int) -> None:
        self.rules[watched.id] = watched
        if watched.is_on and not watched.rule.is_of_minutes:
            question = watched.question
            self.asked[question] = self.asked.get(question) or Groups(question, MOST_GROUPS)
        elif watched.is_on:
            reach = max(watched.rule.reach + beyond, self.reach_of(watched.selector))
            self.tallies[watched.selector] = Tally(watched.selector, reach)

    def _anew(self, of: Of, state: State) -> State:
        """A state as a rule begins with it: what was pending before it was changed is pending no longer."""
        watched = self.rules.get(of[0])
        if state.status == Status.pending and watched is not None and state.since < watched.begins:
            return replace(state, status=Status.ok)
        return state

    def adopt(self, old: "Site") -> bool:
        """Take over the series of the same site under other rules; False, and nothing is taken, unless all are there."""
        if any(old.reach_of(selector) < tally.reach for selector, tally in self.tallies.items()):
            return False
        self.tallies = {selector: old.tallies[selector] for selector in self.tallies}
        self.asked |= {question: groups for question, groups in old.asked.items() if question in self.asked}
        self.touched = set(self.tallies)
        return True

    def reach_of(self, selector: Selector) -> int:
        """How far back the series of a selector go, 0 if there are none."""
        known = self.tallies.get(selector)
        return known.reach if known else 0

    @property
    def reach(self) -> int:
        """How far back any series goes, also for minutes that are evaluated after the fact."""
        return max((tally.reach for tally in self.tallies.values()), default=0) + CATCH_UP

    @property
    def nbytes(self) -> int:
        """What the series take of memory."""
        return sum(series.nbytes for tally in self.tallies.values() for series in tally.groups.values())

    @property
    def left_out(self) -> int:
        """Partials of groups beyond the bound."""
        return sum(tally.left_out for tally in self.tallies.values())

    def clear(self) -> None:
        """Forget all that was counted."""
        self.tallies = {selector: Tally(selector, tally.reach) for selector, tally in self.tallies.items()}
        self._takers.clear()

    def add(self, partial: Partial) -> None:
        """Count a partial of this site."""
        key = partial.event, partial.country, partial.device_type, partial.currency
        takers = self._takers.get(key)
        if takers is None:
            if len(self._takers) >= MOST_KEYS:
                self._takers.clear()
            takers = self._takers[key] = [t for t in self.tallies.values() if t.selector.takes(*key)]
        for tally in takers:
            tally.add(partial, self._fires)
            self.touched.add(tally.selector)

    def run(self, minutes: Iterable[int], now_ms: int) -> list[Told]:
        """Look at windows that end with running minutes, of what was touched since the last time; end what is switched off."""
        touched, self.touched = self.touched, set()
        told: list[Told] = []
        for watched in self.rules.values():
            if not watched.is_on:
                told += self._end(watched, now_ms // MINUTE_MS)
            elif watched.rule.is_instant and watched.selector in touched:
                for minute in minutes:
                    told += self._look(watched, minute, now_ms, is_closed=False)
        return told

    def take(self, answers: Mapping[Question, Answer]) -> None:
        """Take over what the store, or whoever it was, answered; it is looked at by `run_asked` and `close_asked`."""
        for question, answer in answers.items():
            groups = self.asked.get(question)
            if groups is not None:
                groups.take(answer, self.firing(question))

    def firing(self, question: Question) -> frozenset[str]:
        """The groups for which a rule fires that asks a question."""
        rules = {each.id for each in self.rules.values() if not each.rule.is_of_minutes and each.question == question}
        return frozenset(g for (rule, g), state in self.states.items() if rule in rules and state.status in TOLD)

    def run_asked(self, minutes: Iterable[int], now_ms: int) -> list[Told]:
        """As `run`, of the rules that were asked for; minutes that no answer covers tell nothing."""
        instant = [each for each in self.rules.values() if each.is_on and each.is_asked and each.rule.is_instant]
        looks = ((watched, minute) for watched in instant for minute in minutes)
        return [told for watched, minute in looks for told in self._look(watched, minute, now_ms, is_closed=False)]

    def close_asked(self, minute: int, metrics: Container[str], evaluated: int = 0) -> list[Told]:
        """As `close`, of the rules of some metrics that are asked for."""
        now_ms = (minute + 1) * MINUTE_MS
        told: list[Told] = []
        for watched in self.rules.values():
            is_due = watched.is_on and watched.is_asked and watched.rule.metric in metrics
            if is_due and evaluated - minute < watched.rule.holds_for:
                told += self._look(watched, minute, now_ms, is_closed=True)
        if minute > evaluated:
            told += self._end_unwatched(minute, metrics)
        return told

    def close(self, minute: int, evaluated: int = 0) -> list[Told]:
        """Look at the windows that end with a minute of which no more is awaited.

        Minutes up to the one that was `evaluated` before are looked at again for what may be pending, and for nothing else.
        """
        now_ms = (minute + 1) * MINUTE_MS
        told = list(self._end_unwatched(minute, OF_MINUTES)) if minute > evaluated else []
        for watched in self.rules.values():
            if evaluated - minute >= watched.rule.holds_for or (watched.is_on and watched.is_asked):
                continue
            told += self._look(watched, minute, now_ms, is_closed=True) if watched.is_on else self._end(watched, minute)
        return told

    def _look(self, watched: Watched, minute: int, now_ms: int, *, is_closed: bool) -> Iterator[Told]:
        if minute < watched.begins:
            return
        hushed: bool | None = None
        for group, series in self._groups(watched).items():
            state = self.states.get((watched.id, group)) or State()
            if not is_closed and state.status in TOLD:
                continue
            seen = look(watched.rule, series, minute)
            if seen.holds and hushed is None:
                hushed = watched.is_hushed(now_ms) or self._parent_fires(watched)
            new, change = after(watched.rule, state, seen, minute, is_closed=is_closed, is_hushed=bool(hushed))
            if new is not state and new != state:
                self.states[watched.id, group] = new
            if change:
                yield Told(watched, group, change, seen, is_cut=self._is_cut(watched))

    def _is_cut(self, watched: Watched) -> bool:
        """Whether there are more groups of a rule than are watched."""
        if watched.is_asked:
            return self.asked[watched.question].is_cut
        return self.tallies[watched.selector].left_out > 0

    def _groups(self, watched: Watched) -> Mapping[str, Series | Windows]:
        if watched.is_asked:
            return self.asked[watched.question].groups
        return self.tallies[watched.selector].groups

    def _end(self, watched: Watched, minute: int) -> Iterator[Told]:
        """Tell the end of what a rule had begun that watches no longer."""
        for (rule, group), state in list(self.states.items()):
            if rule == watched.id and state.status in TOLD:
                self.states[rule, group], change = over(state, max(minute, state.since))
                if change:
                    yield Told(watched, group, change, Look(None, None, True), "the rule watches no longer")

    def _end_unwatched(self, minute: int, metrics: Container[str]) -> Iterator[Told]:
        """Tell the end of what fires of groups that have no series: the rule has others now, or nothing is left of them."""
        for of, state in list(self.states.items()):
            watched = self.rules.get(of[0])
            if watched is None or not watched.is_on or minute < watched.begins or state.status not in TOLD:
                continue
            is_known = not watched.is_asked or self.asked[watched.question].covers(minute)
            if watched.rule.metric in metrics and is_known and of[1] not in self._groups(watched):
                self.states[of], change = over(state, max(minute, state.since))
                if change:
                    yield Told(watched, of[1], change, Look(None, None, True), "the group is watched no longer")

    def _fires(self, selector: Selector, group: str) -> bool:
        """Whether a rule of a selector fires for a group."""
        return any(
            state.status in TOLD and of[1] == group and of[0] in self.rules and self.rules[of[0]].selector == selector
            for of, state in self.states.items()
        )

    def _parent_fires(self, watched: Watched) -> bool:
        parent = watched.rule.depends_on
        return parent is not None and any(
            state.status in TOLD for (rule, _), state in self.states.items() if rule == parent
        )
