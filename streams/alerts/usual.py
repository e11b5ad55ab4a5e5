"""What is usual: the windows of earlier days that an anomaly on stored events is compared with, asked for an hour ahead."""

from dataclasses import replace

from pulse.alerting.look import AROUND, TRAILING_MINUTES
from pulse.alerting.rule import DAY, HISTORY_DAYS
from pulse.alerting.windows import Answer, Question, Span

AHEAD = 60
"""For so many minutes at once, so that two weeks are read each hour and not each minute."""
NONE = 1, 0

Usual = dict[tuple[str, Question], Answer]
"""By site and question: the windows of earlier days, as they were an hour ago at most."""


def with_trailing(closing: Span) -> Span:
    """The windows that close, and those of the two hours before, which are usual where there is no history."""
    return closing[0] - TRAILING_MINUTES, closing[1]


def earlier(closing: Span) -> list[Span]:
    """The windows of each of the days before that the minutes to be closed, and those of the next hour, are compared with."""
    first, last = closing[0], max(closing[1], closing[0] + AHEAD - 1)
    return [
        (first - DAY * day - AROUND, last - DAY * day + AROUND) for day in range(1, HISTORY_DAYS + 1) if first <= last
    ]


def known(usual: Answer | None) -> Span:
    """For which minutes it is known what is usual; for none where the site has nothing yet."""
    if usual is None or usual.begin is None:
        return NONE
    first, last = max(usual.spans)
    return first + DAY + AROUND, last + DAY - AROUND


def joined(answer: Answer, usual: Answer | None) -> Answer:
    """An answer with what is usual beside it."""
    if usual is None:
        return answer
    names = dict.fromkeys((*answer.groups, *usual.groups))
    groups = {name: {**usual.groups.get(name, {}), **answer.groups.get(name, {})} for name in names}
    begin = usual.begin if answer.begin is None else answer.begin
    return replace(answer, spans=(*answer.spans, *usual.spans), groups=groups, begin=begin)
