"""Tasks without which a collector would hang unseen: one that fails ends the process, and whoever keeps it starts another."""

import asyncio
import logging
import os
from collections.abc import Coroutine
from typing import Any

log = logging.getLogger(__name__)


def begin(work: Coroutine[Any, Any, None]) -> "asyncio.Task[None]":
    """A task of the work. What was answered 202 is in the log or on disk, so an end at once loses nothing."""
    task = asyncio.create_task(work)
    task.add_done_callback(_end_if_failed)
    return task


def _end_if_failed(task: "asyncio.Task[None]") -> None:
    if not task.cancelled() and (error := task.exception()) is not None:
        log.critical("ending: %r", error, exc_info=error)
        logging.shutdown()
        os._exit(1)
