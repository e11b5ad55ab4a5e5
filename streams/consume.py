"""Taking records: in batches, in order, acknowledged only after all that was made of them is in the log."""

from collections.abc import AsyncIterator
from typing import Any

from streams.ownership import Ownership
from streams.record import Taken, taken

MOST = 64
"""Records of a batch. They are refined one by one, but delivered together."""
WITHIN_S = 0.02


async def batches(
    stream: Any, ownership: Ownership, most: int = MOST, within: float = WITHIN_S
) -> AsyncIterator[list[Taken]]:
    """The records of a Faust stream, those of partitions that are still owned.

    A batch is acknowledged when the next one is asked for: an exception in between acknowledges nothing, and
    so does losing the partition. These are the only acks, in the order of the offsets.
    """
    stream.enable_acks = False  # an exception ends noack_take, which restores this, and Faust drains on: past the fault
    async for events in stream.noack_take(most, within=within):
        await ownership.settled()
        own = [event for event in events if event.message.tp in ownership.owned]
        records = [taken(event.message) for event in own]
        for record in records:
            await ownership.follow(record)
        if records:
            yield records
        await ownership.settled()
        for event in own:
            if event.message.tp in ownership.owned:
                await stream.ack(event)
