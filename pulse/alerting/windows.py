"""What windows of one length hold, where each is counted as a whole: distinct visitors of two minutes are no sum of theirs."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from pulse.alerting.selector import ALL, Selector

Span = tuple[int, int]
"""The first and the last of the minutes with which windows end."""
Cells = Mapping[int, tuple[float, int]]
"""Value and volume of windows by their last minute."""
NOTHING = 0.0, 0


class Question(NamedTuple):
    """What of a site is counted over windows of so many minutes. Rules that ask the same share the answer."""

    selector: Selector
    width: int


@dataclass(frozen=True)
class Windows:
    """The windows of one group as far as they were asked for; `begin` is the first minute of which the site has anything."""

    spans: Sequence[Span]
    cells: Cells
    begin: int | None = None

    def sums(self, first: int, last: int) -> tuple[float | None, int]:
        """Value and volume of the window that ends with a minute; no value where it was not asked for."""
        if any(begin <= last <= end for begin, end in self.spans):
            return self.cells.get(last, NOTHING)
        return None, 0

    def totals(self, ends: npt.NDArray[np.int64]) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.int64]]:
        """Values and volumes of the windows that end with these minutes, nothing where they were not asked for."""
        found = [self.sums(0, int(end)) for end in ends]
        values = np.fromiter((value or 0.0 for value, _ in found), np.float64, len(found))
        return values, np.fromiter((volume for _, volume in found), np.int64, len(found))


@dataclass(frozen=True)
class Answer:
    """What was asked for of one question, by group.

    `cut` are those of the spans in which there were more groups than are told, each with the groups of which all is told.
    """

    spans: Sequence[Span]
    groups: Mapping[str, Cells] = field(default_factory=dict)
    begin: int | None = None
    cut: Mapping[Span, frozenset[str]] = field(default_factory=dict)

    def windows(self, group: str) -> Windows:
        """The windows of a group; where it does not appear they hold nothing, or, in a span that is cut, nothing is known."""
        spans = [span for span in self.spans if span not in self.cut or group in self.cut[span]]
        return Windows(spans, self.groups.get(group, {}), self.begin)


class Groups:
    """The groups of a question with their latest windows: at most `most`, and who fires is not given up for another.

    `is_cut` tells whether the last answer leaves some out, or there was no room for all of it.
    """

    def __init__(self, question: Question, most: int) -> None:
        self._most = most
        self._spans: Sequence[Span] = ()
        self.is_cut = False
        self.groups: dict[str, Windows] = {} if question.selector.group_by else {ALL: Windows((), {})}

    def take(self, answer: Answer, firing: frozenset[str]) -> None:
        """Take over an answer. A group of which nothing comes any more stays, with nothing in it, while there is room."""
        self._spans = answer.spans
        names = list(self.groups)
        new = [name for name in answer.groups if name not in self.groups]
        for name in names:
            if len(self.groups) + len(new) > self._most and name not in answer.groups and name not in firing:
                del self.groups[name]
        room = max(self._most - len(self.groups), 0)
        self.is_cut = bool(answer.cut) or len(new) > room
        self.groups = {name: answer.windows(name) for name in (*self.groups, *new[:room])}

    def covers(self, minute: int) -> bool:
        """Whether the windows that end with a minute were asked for."""
        return any(first <= minute <= last for first, last in self._spans)
