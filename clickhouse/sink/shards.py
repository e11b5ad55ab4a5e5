"""Where a record is stored: on one shard, told by its partition alone, so that what is stored of it is asked of that shard."""

from collections.abc import Iterable, Sequence

from clickhouse.client import Client
from clickhouse.sink.record import Record
from clickhouse.sink.write import Note, StoodStill, Writer, always_awake, nobody


class Shards:
    """The writers of a store's shards, of which there is one where there is no cluster."""

    def __init__(
        self, clients: Sequence[Client], most_s: float, note: Note = nobody, stood_still: StoodStill = always_awake
    ) -> None:
        self._clients = clients
        self._writers = [Writer(client, most_s, note, stood_still) for client in clients]

    @property
    def first(self) -> Client:
        """The shard that keeps what is not told apart by partitions."""
        return self._clients[0]

    @property
    def are_many(self) -> bool:
        """Whether there are several."""
        return len(self._writers) > 1

    def number_of(self, partition: int) -> int:
        """The shard of a partition, the same for ever while their number stands."""
        return partition % len(self._writers)

    def begin(self, partitions: Iterable[int]) -> None:
        """Ask the shards of these partitions what they have; raises Unavailable, QueryError."""
        for number in sorted({self.number_of(partition) for partition in partitions}):
            self._writers[number].begin()

    def store(self, records: Sequence[Record]) -> None:
        """Store the records, each on its shard, of each only what is not there; raises Unavailable, QueryError."""
        for number, writer in enumerate(self._writers):
            own = [record for record in records if self.number_of(record.partition) == number]
            if own:
                writer.store(own)

    def has(self, record: Record) -> bool:
        """Whether everything of a record is stored, or kept among the refused."""
        return self._writers[self.number_of(record.partition)].has(record)

    def ping(self) -> None:
        """Raise Unavailable unless every shard answers."""
        for client in self._clients:
            client.ping()
