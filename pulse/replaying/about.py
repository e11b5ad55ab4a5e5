"""What is known of a replay: kept beside its rows, so that whoever comes later can show, swap or drop it."""

from typing import Literal

from msgspec import Struct

from pulse.replaying.span import Span

State = Literal["unfinished", "finished", "swapped"]


class Print(Struct, frozen=True):
    """How many rows of a month there are, and a sum over what is in them, by which a change is noticed."""

    rows: int = 0
    sum: int = 0


class Month(Struct):
    """A month (202611) of a replay: the stored rows of its range as they were, and those that are to stand for them."""

    month: int
    before: Print
    after: Print

    @property
    def differs(self) -> bool:
        """Whether swapping changes anything."""
        return self.before != self.after


class About(Struct, kw_only=True):
    """A replay.

    Of the raw log `log` each partition was read from the offset in `firsts` on and before that in `cuts`; rows of
    `others`, or of earlier offsets, were taken from the table. `read` counts events out of the raw log, `taken` rows out
    of the table, `added` events that had not been stored, `duplicates` those that repeat another. Some rows stay as they
    are: `held_unread`, because the raw log did not give them again, `held_last`, because the sink tells by them how far
    it has stored. `days` are those on which events of it happened.
    """

    name: str
    span: Span
    made_at: int
    state: State = "unfinished"
    log: str = ""
    others: list[str] = []
    firsts: list[int] = []
    cuts: list[int] = []
    window_ms: int = 0
    read: int = 0
    taken: int = 0
    added: int = 0
    duplicates: int = 0
    held_unread: int = 0
    held_last: int = 0
    months: list[Month] = []
    days: list[str] = []

    @property
    def changed(self) -> list[int]:
        """The months that a swap changes."""
        return [month.month for month in self.months if month.differs]

    def parameters(self) -> dict[str, object]:
        """What the questions about its range are asked with."""
        return {
            "since": self.span.since,
            "until": self.span.until,
            "site": self.span.site,
            "log": self.log,
            "others": self.others,
            "firsts": self.firsts,
            "cuts": self.cuts,
        }
