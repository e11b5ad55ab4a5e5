"""A client for one question, within limits, which ends when nobody waits for its answer."""

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import count
from threading import Event
from typing import Any
from uuid import uuid4

from clickhouse.client import Answer, Client
from pulse.errors import PulseError, TooCostly, Unavailable

OUT_OF_MEMORY = 241
LONGEST = 4_000_000
"""Bytes of a statement: filters by cohorts are long."""
COSTLY = {
    158: "would read more than {0.rows:,} rows (PULSE_QUERY_ROWS)",
    159: "took longer than {0.seconds} seconds (PULSE_QUERY_SECONDS)",
    OUT_OF_MEMORY: "needed more than {0.mb:,} MB of memory (PULSE_QUERY_MB)",
}
"""Codes of a question that took more than it may."""


@dataclass(frozen=True)
class Limits:
    """What one question may take of the store; no `threads` are as many as the store likes."""

    seconds: int
    mb: int
    rows: int
    threads: int = 0

    @property
    def settings(self) -> dict[str, object]:
        """The same as the store's own settings. Should this process die, what it asked ends with its connection."""
        return {
            "max_execution_time": self.seconds,
            "timeout_overflow_mode": "throw",
            "max_memory_usage": self.mb * 1_000_000,
            "max_rows_to_read": self.rows,
            "max_query_size": LONGEST,
            "readonly": 2,
            "cancel_http_readonly_queries_on_client_close": 1,
        } | ({"max_threads": self.threads} if self.threads else {})


class Bounded(Client):
    """A client for one question, within limits, which another thread may end."""

    def __init__(self, client: Client, limits: Limits) -> None:
        self.database = client.database
        self._client = client
        self._limits = limits
        self.settings = limits.settings
        self._name = uuid4().hex
        self._asked = count()
        self._is_ended = Event()

    def ask(self, statement: str, parameters: Mapping[str, object] | None = None, **settings: object) -> Answer:
        """As a client does. Raises TooCostly beyond the limits, Unavailable once it was ended."""
        if self._is_ended.is_set():
            raise Unavailable("the question was ended, as nobody waits for its answer")
        query_id = f"{self._name}-{next(self._asked)}"
        return super().ask(statement, parameters, **{**self.settings, "query_id": query_id, **settings})

    def sees_one_moment(self) -> bool:
        """As a client does."""
        return self._client.sees_one_moment()

    def end(self) -> None:
        """Have the store drop what it is doing for this question, and ask it nothing more. Raises as `command` does."""
        self._is_ended.set()
        self._client.command("KILL QUERY WHERE startsWith(query_id, {name:String}) ASYNC", {"name": self._name})

    def _cause_here(self, code: int | None, message: str) -> PulseError | None:
        is_of_all = code == OUT_OF_MEMORY and "(total)" in message
        if code not in COSTLY or is_of_all:
            return None
        return TooCostly(
            f"the question {COSTLY[code].format(self._limits)}: ask for a shorter range, for fewer metrics and dimensions, or for longer buckets"
        )

    def _connected(self) -> Any:
        return self._client._connected()
