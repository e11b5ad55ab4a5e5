"""The collector's answers: what was accepted, what was refused, and what went wrong, as bytes."""

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

from msgspec import Struct, json

from api import problems
from pulse.errors import PulseError
from pulse.rejection import Rejection

Header = tuple[bytes, bytes]

JSON: Header = (b"content-type", b"application/json")
PROBLEM: Header = (b"content-type", problems.MEDIA_TYPE.encode())


class Problem(PulseError):
    """A request that cannot be answered with 2xx: its status, its name, and what, where and why.

    `headers` go with the answer; `members` are added to the problem's JSON. `is_unread` where more of the body is to come.
    """

    is_unread = False

    def __init__(self, status: int, name: str, detail: str, headers: Sequence[Header] = (), **members: Any) -> None:
        super().__init__(detail)
        self.status = status
        self.name = name
        self.detail = detail
        self.headers = headers
        self.members = members


class RefusedEvent(Struct):
    """One refused event as the caller is told of it."""

    index: int
    id: str | None
    field: str | None
    reason: str
    detail: str


class Answer(Struct):
    """The body of a 202."""

    accepted: int
    refused: list[RefusedEvent]


def told(refused: Iterable[Rejection]) -> list[RefusedEvent]:
    """Refused events as the caller is told of them, in the order of the request."""
    in_order = sorted(refused, key=lambda each: each.index)
    return [RefusedEvent(r.index, r.event_id, r.field, r.reason.value, r.detail) for r in in_order]


def accepted(count: int, refused: Sequence[Rejection]) -> bytes:
    """The body of a 202."""
    return json.encode(Answer(count, told(refused) if refused else []))


def all_refused(refused: Sequence[Rejection]) -> Problem:
    """The answer where not one event is good."""
    return Problem(
        400,
        "no_event_accepted",
        f"none of the {len(refused)} events was accepted: see refused",
        accepted=0,
        refused=told(refused),
    )


def problem(fault: Problem) -> bytes:
    """The body of an error: the shape that all problems have, with the fault's own members."""
    return json.encode(problems.shape(fault.status, fault.detail, fault.name, **fault.members))


def invalid(field: str, reason: str) -> Problem:
    """The answer where a field of the request itself is refused."""
    return Problem(400, "invalid", f"{field}: {reason}", errors=[{"parameter": field, "reason": reason}])


def untaken(why: str, seconds: int) -> Problem:
    """The answer before any event is taken, where something is away or there is too much at once."""
    return _later(f"{why}; none of this request's events was taken: send it again later", seconds)


def unsure(count: int, why: str, seconds: int) -> Problem:
    """The answer where so many events were sent to the log, which may have them or not."""
    events = "the event" if count == 1 else f"the {count:,} events"
    return _later(
        f"{events} of this request may not have been kept ({why}): send the request again. What has an event_id counts once, "
        "whether it had been kept or not; an event without one gets another id each time and may count twice, so set event_id",
        seconds,
    )


def _later(detail: str, seconds: int) -> Problem:
    return Problem(503, "unavailable", detail, headers=((b"retry-after", b"%d" % seconds),))


def slower(detail: str, seconds: int, headers: Sequence[Header] = ()) -> Problem:
    """The answer where more comes than can be worked off: come again after so many seconds."""
    return Problem(429, "too_many_requests", detail, headers=((b"retry-after", b"%d" % seconds), *headers))


class Reply(NamedTuple):
    """An answer as it goes out; its content type and length are among the headers."""

    status: int
    headers: tuple[Header, ...]
    content: bytes


def reply(status: int, kind: Header, content: bytes, more: Sequence[Header] = ()) -> Reply:
    """An answer with a body."""
    return Reply(status, (kind, (b"content-length", b"%d" % len(content)), *more), content)


def failed(fault: Problem) -> Reply:
    """The answer that tells of a problem."""
    return reply(fault.status, PROBLEM, problem(fault), fault.headers)
