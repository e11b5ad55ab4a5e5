"""Leads into the database, before anybody is told that they are kept."""

import asyncio
import time
from concurrent.futures import ThreadPoolExecutor

from api.collector import answer
from api.collector.admission import LONG_S, SHORT_S
from api.collector.quota import Quota
from api.collector.stamp import Receipt
from api.collector.tally import Tally
from api.control import leads as stored
from api.control.leads import NewLead
from api.control.seal import LEADS, Seal
from pulse.errors import PulseError

THREADS = 2
MOST_WAITING = 200
"""Leads that wait for the database at a time; of more than that the next is turned away."""
ANSWER_S = 15.0


class Leads:
    """Keeps leads; `per_minute` of one address with a public key, and 0 for no limit. Belongs to one event loop."""

    def __init__(self, leads: stored.Leads, secret: bytes, per_minute: float, tally: Tally) -> None:
        self._leads, self._secret, self._tally = leads, secret, tally
        self._seal = Seal(secret, LEADS)
        said = f"more than {per_minute:g} leads a minute come from this address"
        self._quota = Quota(per_minute / 60, 60, said) if per_minute else None
        self._threads = ThreadPoolExecutor(THREADS, thread_name_prefix="leads")
        self._waiting = 0

    async def keep(self, lead: NewLead, receipt: Receipt) -> None:
        """Return once the database has it, also where it had it before; raises Problem 429 and 503."""
        if self._quota is not None and not receipt.secret:
            self._quota.take(f"{receipt.site_id} {receipt.ip}", 1, time.monotonic())
        if self._waiting >= MOST_WAITING:
            raise answer.untaken("too many leads wait for the database", SHORT_S)
        self._waiting += 1
        try:
            is_new = await asyncio.wait_for(self._kept(lead), ANSWER_S)
        except TimeoutError:
            raise answer.unsure(1, "the database of sites and keys does not answer", LONG_S) from None
        except PulseError as error:
            raise answer.untaken(str(error), LONG_S) from None
        finally:
            self._waiting -= 1
        self._tally.leads.labels("new" if is_new else "known").inc()

    async def _kept(self, lead: NewLead) -> bool:
        return await asyncio.get_running_loop().run_in_executor(
            self._threads, lambda: self._leads.keep(lead, self._seal, self._secret)
        )
