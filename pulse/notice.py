"""A notice: one thing that happened and that somebody asked to be told of, as a record of `pulse.alerts` carries it."""

from typing import Any

from msgspec import Struct, field


class Notice(Struct, kw_only=True, omit_defaults=True):
    """`id` follows from what happened, so that the same thing told twice is known; `at` is when it did, in ms.

    `kind` is two words (``alert.firing``, ``alert.resolved``, ``import.done``), by which endpoints choose what they
    are told; `data` is what the kind has to say, as JSON.
    """

    id: str
    kind: str
    site_id: str
    at: int
    data: dict[str, Any] = field(default_factory=dict)
