"""The delivery process put together: reading, delivering, telling, judging leads, cleaning."""

import asyncio
import time
from collections.abc import Callable
from concurrent.futures import Executor, ThreadPoolExecutor
from contextlib import suppress
from logging import getLogger
from threading import Event

from api.control.database import Database
from api.control.dispatch import CLEANED, Dispatch
from api.control.leads import Leads
from api.control.outbox import Outbox
from api.control.outcome import Health, Outcomes
from api.control.risktold import RisksTold
from api.control.summaries import Summaries
from api.control.tried import Attempts
from api.delivery.courier import Courier, Pace
from api.delivery.digests import Digests
from api.delivery.leads import Judging
from api.delivery.message import seals_of
from api.delivery.mirror import Mirror
from api.delivery.post import Post
from api.delivery.reader import Reader, Told
from api.delivery.risks import Risks
from api.delivery.teller import Teller
from api.keyring import secret_of
from clickhouse.client import connect
from pulse.errors import PulseError
from pulse.outbound.address import networks
from pulse.outbound.call import Caller
from pulse.outbound.mail import demand_server
from pulse.settings import Settings

TOLD_EVERY_S = 1.0
CLEANED_EVERY_S = 3_600.0
SUMMED_EVERY_S = 5.0
RISKS_EVERY_S = 5.0
LOOKED_UP_AT_ONCE = 512
"""Names that are looked up at a time, by threads that do nothing else: those that take long hold up no others."""
BESIDE = 8
"""Threads for what is done beside: telling the log and the store, summing up, judging leads, looking for risks, cleaning, waiting for the reader."""
DAY_MS = 86_400_000

log = getLogger(__name__)


class Delivering:
    """One delivery process. Raises SettingError if there is no secret, or for a mail server that cannot be."""

    def __init__(self, settings: Settings, pace: Pace = Pace()) -> None:
        demand_server(settings.smtp_url.get_secret_value())
        self._settings, self._pace = settings, pace
        self._database = Database(settings.control_url)
        self._seals = seals_of(secret_of(settings))
        self._courier: Courier | None = None
        self._reader: Reader | None = None
        self._kept_ms = int(settings.webhook_keep_days * DAY_MS)
        self._leads_kept_ms = int(settings.lead_days * DAY_MS)

    def checks(self) -> dict[str, str]:
        """What the process needs, each with "ok" or what is wrong with it."""
        if self._courier is None or self._reader is None:
            return {"kafka": "not asked yet", "store": "not asked yet"}
        return {"kafka": self._reader.fault(), "store": self._courier.state}

    async def run(self, stop: asyncio.Event) -> None:
        """Deliver until `stop` is set. Raises KafkaException where Kafka will not have us."""
        dispatch, ending = Dispatch(self._database), Event()
        outcomes = Outcomes(self._database, Health(self._settings.webhook_disable_days))
        loop = asyncio.get_running_loop()
        loop.set_default_executor(ThreadPoolExecutor(LOOKED_UP_AT_ONCE, thread_name_prefix="names"))
        beside = ThreadPoolExecutor(BESIDE, thread_name_prefix="beside")
        async with Caller(networks(self._settings.webhook_allow), at_once=self._pace.most) as caller:
            post = Post(caller, self._settings.smtp_url.get_secret_value())
            who = self._settings.instance, self._settings.smtp_from
            courier = Courier(dispatch, outcomes, post, self._seals, *who, self._pace)
            tell = Told(lambda: _call(loop, courier.wake), lambda: _call(loop, stop.set))
            reader = Reader(self._settings, dispatch, tell, ending)
            self._courier, self._reader = courier, reader
            reader.start()
            teller = Teller(self._settings, Outbox(self._database))
            digests = self._digests(teller)
            judging = self._judging(dispatch, tell.written)
            tasks = [
                asyncio.create_task(_again_and_again(beside, judging.tell, TOLD_EVERY_S)),
                asyncio.create_task(_again_and_again(beside, lambda: self._forget(judging), CLEANED_EVERY_S)),
                asyncio.create_task(_again_and_again(beside, teller.tell, TOLD_EVERY_S)),
                asyncio.create_task(_again_and_again(beside, lambda: self._clean(dispatch), CLEANED_EVERY_S)),
                asyncio.create_task(_again_and_again(beside, digests.tell, SUMMED_EVERY_S)),
                asyncio.create_task(_again_and_again(beside, self._risks(dispatch, tell.written).tell, RISKS_EVERY_S)),
                asyncio.create_task(_again_and_again(beside, self._mirror().tell, TOLD_EVERY_S)),
            ]
            await courier.run(stop)
            ending.set()
            digests.close()
            for each in tasks:
                each.cancel()
            await loop.run_in_executor(beside, reader.join)
        self._database.close()
        if reader.failed is not None:
            raise reader.failed

    def _digests(self, teller: Teller) -> Digests:
        return Digests(Summaries(self._database), connect(self._settings), teller)

    def _judging(self, dispatch: Dispatch, told: Callable[[], None]) -> Judging:
        return Judging(Leads(self._database), dispatch, connect(self._settings), self._seals.leads, told)

    def _risks(self, dispatch: Dispatch, told: Callable[[], None]) -> Risks:
        return Risks(RisksTold(self._database), dispatch, connect(self._settings), told)

    def _forget(self, judging: Judging) -> None:
        if self._leads_kept_ms:
            judging.clean(time.time_ns() // 1_000_000 - self._leads_kept_ms)

    def _mirror(self) -> Mirror:
        return Mirror(Attempts(self._database), connect(self._settings))

    def _clean(self, dispatch: Dispatch) -> None:
        while dispatch.clean(time.time_ns() // 1_000_000 - self._kept_ms) == CLEANED:
            pass


def _call(loop: asyncio.AbstractEventLoop, wake: Callable[[], None]) -> None:
    with suppress(RuntimeError):  # the loop has ended already
        loop.call_soon_threadsafe(wake)


async def _again_and_again(threads: Executor, do: Callable[[], object], every_s: float) -> None:
    while True:
        try:
            await asyncio.get_running_loop().run_in_executor(threads, do)
        except PulseError as error:
            log.warning("%s", error)
        except Exception:
            log.exception("what is done again and again failed unforeseen")
        await asyncio.sleep(every_s)
