"""Trying again for as long as a backing service is away."""

import asyncio
import logging
from collections.abc import Callable
from typing import TypeVar

from tenacity import AsyncRetrying, RetryCallState, retry_if_exception_type, wait_exponential

from pulse.errors import Unavailable

Answer = TypeVar("Answer")
SAID_EACH = 10

log = logging.getLogger(__name__)


async def until_answered(question: Callable[[], Answer]) -> Answer:
    """The answer of a blocking question, asked beside the event loop, again and again while it raises Unavailable."""
    retrying = AsyncRetrying(
        wait=wait_exponential(multiplier=0.2, max=3), retry=retry_if_exception_type(Unavailable), before_sleep=_say
    )
    answer: Answer = await retrying(asyncio.to_thread, question)
    return answer


def _say(state: RetryCallState) -> None:
    if state.attempt_number % SAID_EACH == 1 and state.outcome is not None:
        log.warning("%s; trying again", state.outcome.exception())
