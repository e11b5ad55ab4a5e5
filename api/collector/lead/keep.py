"""Leads into the database, before anybody is told that they are kept."""

import asyncio
import time
from concurrent.futures import ThreadPoolExecutor
from ipaddress import IPv6Address, ip_address, ip_network
from logging import getLogger

from api.collector import answer
from api.collector.admission import LONG_S, SHORT_S
from api.collector.answer import Problem
from api.collector.quota import Quota
from api.collector.stamp import Receipt
from api.collector.tally import Tally
from api.control import leads as stored
from api.control.leads import NewLead
from api.control.seal import LEADS, Seal
from pulse.errors import Conflict, PulseError, Unavailable

THREADS = 2
MOST_WAITING = 200
"""Leads that wait for the database at a time; of more than that the next is turned away."""
ANSWER_S = 15.0
AWAY = "the database of sites and keys does not answer"
HOUSEHOLD_BITS = 64

log = getLogger(__name__)


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
        """Return once the database has it, also where it had it before; raises Problem 409, 429 and 503."""
        if self._quota is not None and not receipt.secret:
            self._quota.take(f"{receipt.site_id} {_neighbours(receipt.ip or '')}", 1, time.monotonic())
        if self._waiting >= MOST_WAITING:
            raise answer.untaken("too many leads wait for the database", SHORT_S)
        self._waiting += 1
        try:
            is_new = await asyncio.wait_for(self._kept(lead), ANSWER_S)
        except TimeoutError:
            raise answer.unsure(1, AWAY, LONG_S) from None
        except Conflict as error:
            raise Problem(409, "conflict", f"lead_id: {error}") from None
        except Unavailable as error:
            log.warning("a lead is not kept: %s", error)
            raise answer.untaken(AWAY, LONG_S) from None
        except PulseError as error:
            raise answer.untaken(str(error), LONG_S) from None
        finally:
            self._waiting -= 1
        self._tally.leads.labels("new" if is_new else "known").inc()

    async def _kept(self, lead: NewLead) -> bool:
        return await asyncio.get_running_loop().run_in_executor(
            self._threads, lambda: self._leads.keep(lead, self._seal, self._secret)
        )


def _neighbours(ip: str) -> str:
    """Those who count as one address: of IPv6 a household has so many that the last half says nothing."""
    try:
        address = ip_address(ip)
    except ValueError:
        return ip
    if not isinstance(address, IPv6Address) or address.ipv4_mapped is not None:
        return ip
    return str(ip_network((address, HOUSEHOLD_BITS), strict=False))
