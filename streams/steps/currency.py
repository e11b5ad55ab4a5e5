"""The currency of the revenue."""

from collections.abc import Sequence

from pulse.event import RefinedEvent
from streams.steps.step import Arrival


def put_currency(event: RefinedEvent, arrival: Arrival) -> None:
    """The currency's code in capitals, so that one currency is not added up as two."""
    if event.currency:
        event.currency = event.currency.upper()


def put_currencies(events: Sequence[RefinedEvent], arrival: Arrival) -> bool:
    """The same of many."""
    for event in events:
        if event.currency:
            put_currency(event, arrival)
    return True
