"""Who is connected, as the hub sees it: something to put messages into."""

from abc import ABC, abstractmethod
from dataclasses import dataclass

from api.keyring import Key
from api.live.message import Message
from api.live.rule import EVERYTHING, Rule
from api.live.want import Kind

BAD, UNAUTHORIZED, FORBIDDEN, UNKNOWN, SLOW, GONE, AWAY, FAULT = 4400, 4401, 4403, 4404, 4408, 1012, 4503, 1011
"""Codes with which a connection is closed: those of HTTP where there are such, above 4000."""


@dataclass(frozen=True)
class Audience:
    """A site's clients that want the same are sent the same."""

    site: str
    shows: frozenset[Kind]
    rule: Rule = EVERYTHING


@dataclass(frozen=True)
class Admitted:
    """Who may watch which site, and on which key; the key is asked after again for as long as the connection lasts.

    Whoever came with a token has no key, and may watch until the moment at which that `ends`, in ms since the epoch.
    """

    key: Key | None
    site: str
    ends: int | None = None


class Client(ABC):
    """One connection. It leaves the hub by itself when it ends; nothing here raises."""

    __slots__ = ("admitted", "audience", "is_catching_up", "turn")

    def __init__(self) -> None:
        self.admitted: Admitted | None = None
        self.audience: Audience | None = None
        self.is_catching_up = False
        self.turn = 0

    @abstractmethod
    def put(self, message: Message) -> None:
        """Send a message; a client that does not take what it was sent is ended."""

    def catch_up(self, begins: bool) -> None:
        """It begins, or ends, to be sent what it has missed, and is waited for meanwhile; it ends when all is taken."""
        self.is_catching_up = begins

    @abstractmethod
    def beat(self, message: Message) -> None:
        """Send a heartbeat, and end a client that has not answered the last ones."""

    @abstractmethod
    async def room(self) -> bool:
        """Return once there is room for more: True; False if there is none in time, or the connection is gone.

        While the client is catching up there is none before all is taken.
        """

    @abstractmethod
    def end(self, code: int, reason: str) -> None:
        """End the connection, with the reason."""
