"""What is under way or not yet recorded, and how much more may begin: mails and calls apart, each organisation its share."""

from collections import Counter
from collections.abc import Iterable, Sequence

from api.control.dispatch import Ready, Taken
from pulse.outbound import breaker
from pulse.outbound.mail import is_mail


class Room:
    """Room for so many calls and so many mails. What was taken holds its place until what became of it is recorded.

    Nobody has more under way than is left for the others: one organisation has half of the room, two a third each.
    """

    def __init__(self, calls: int, mails: int) -> None:
        self._calls, self._mails = calls, mails
        self._held: dict[str, Taken] = {}

    def hold(self, taken: Taken) -> None:
        """It begins."""
        self._held[taken.id] = taken

    def leave(self, deliveries: Iterable[str]) -> None:
        """What became of these is recorded."""
        for each in deliveries:
            self._held.pop(each, None)

    def held(self) -> dict[str, list[str]]:
        """The deliveries by their endpoint."""
        found: dict[str, list[str]] = {}
        for each in self._held.values():
            found.setdefault(each.endpoint.id, []).append(each.id)
        return found

    def share(self, ready: Sequence[Ready], threads: int) -> list[tuple[str, int]]:
        """How many deliveries of each endpoint may begin now, of mails no more than there are threads for them."""
        busy = Counter(each.endpoint.id for each in self._held.values())
        whose = Counter((is_mail(each.endpoint.url), each.endpoint.organisation) for each in self._held.values())
        mails = sum(number for (by_mail, _), number in whose.items() if by_mail)
        left = {True: min(self._mails - mails, threads), False: self._calls - (whose.total() - mails)}
        wanted = []
        for each in ready:
            share = portion(left[each.by_mail], whose[each.by_mail, each.organisation])
            number = min(breaker.at_once(each.failures) - busy[each.id], share)
            if number > 0:
                wanted.append((each.id, number))
                whose[each.by_mail, each.organisation] += number
                left[each.by_mail] -= number
        return wanted


def portion(left: int, own: int) -> int:
    """How much more one may have that has `own` already, so that it never has more than one beyond what is left then."""
    return min(max((left - own + 1) // 2, 0), max(left, 0))
