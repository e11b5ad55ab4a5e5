"""How many events a second one key may send: a bucket that fills at that rate and holds two seconds of it."""

from collections import OrderedDict

from api.collector import answer
from api.collector.answer import Header

BURST_S = 2.0
MOST_KEYS = 20_000
"""The buckets of the keys that were used last; a forgotten one is full."""


class Bucket:
    """What one key has left, and when that was."""

    __slots__ = ("at", "left")

    def __init__(self, left: float, at: float) -> None:
        self.left = left
        self.at = at


class Quota:
    """Takes events off the buckets of keys; `rate` events a second each, and `burst_s` seconds of it at once.

    `said` is what an answer says of whoever sends more.
    """

    def __init__(self, rate: float, burst_s: float = BURST_S, said: str = "") -> None:
        self._rate = rate
        self._most = rate * burst_s
        self._said = said or f"the key sends more than {rate:g} events a second"
        self._buckets: OrderedDict[str, Bucket] = OrderedDict()

    def demand(self, key: str, now: float) -> None:
        """Raises Problem 429 if not even one event is left."""
        self._demand(self._bucket(key, now), min(1.0, self._most))

    def take(self, key: str, events: int, now: float) -> None:
        """Take off the events of a request; raises Problem 429 if there are not as many, and takes none.

        A request of more than a bucket ever holds takes a full one, and what it lacks must be made up for.
        """
        bucket = self._bucket(key, now)
        self._demand(bucket, min(events, self._most))
        bucket.left -= events

    def headers(self, key: str, now: float) -> tuple[Header, ...]:
        """What a key has left, for the answer."""
        return self._told(self._bucket(key, now))

    def _bucket(self, key: str, now: float) -> Bucket:
        bucket = self._buckets.get(key)
        if bucket is None:
            bucket = self._buckets[key] = Bucket(self._most, now)
            if len(self._buckets) > MOST_KEYS:
                self._buckets.popitem(last=False)
        self._buckets.move_to_end(key)
        bucket.left = min(self._most, bucket.left + (now - bucket.at) * self._rate)
        bucket.at = now
        return bucket

    def _demand(self, bucket: Bucket, events: float) -> None:
        if bucket.left < events:
            seconds = int((events - bucket.left) / self._rate) + 1
            raise answer.slower(self._said, seconds, self._told(bucket))

    def _told(self, bucket: Bucket) -> tuple[Header, ...]:
        left = max(int(bucket.left), 0)
        full = max(int((self._most - bucket.left) / self._rate + 0.999), 0)
        return (
            (b"ratelimit-limit", b"%d" % self._most),
            (b"ratelimit-remaining", b"%d" % left),
            (b"ratelimit-reset", b"%d" % full),
        )
