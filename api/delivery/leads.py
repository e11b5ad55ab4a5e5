"""New leads: how suspicious each is, and who is to be told of it. Nothing of this is lost by a death, nor told twice."""

import time
from collections.abc import Callable, Mapping
from logging import getLogger
from typing import Any

from msgspec import structs

from api.control.dispatch import Dispatch, Heard
from api.control.leads import FORGOTTEN, Lead, Leads, personal_of
from api.control.leadtold import notice_of
from api.control.seal import Seal
from api.delivery import meters
from clickhouse.client import Client
from clickhouse.reports.lead import DAY_MS, Evidence, evidence
from pulse.errors import PulseError, SettingError, Unavailable
from pulse.leads.notice import CREATED, id_of
from pulse.leads.suspecting import engaged, known_of
from pulse.risk.pulsegate import Suspicion, suspicion
from pulse.risk.verdict import band_of

AT_ONCE = 50
PATIENCE_MS = 60_000
"""For so long it is waited until a lead's own event is stored: what its visitor did before is stored by then too."""

log = getLogger(__name__)


class Judging:
    """Judges leads and has them told. `told` is called when something was; `clock` tells ns since the epoch."""

    def __init__(
        self,
        leads: Leads,
        dispatch: Dispatch,
        client: Client,
        seal: Seal,
        told: Callable[[], None] = lambda: None,
        clock: Callable[[], int] = time.time_ns,
    ) -> None:
        self._leads, self._dispatch, self._client, self._seal = leads, dispatch, client, seal
        self._told, self._clock = told, clock

    def tell(self) -> int:
        """Judge and tell some leads whose time has come, the oldest first; how many that were. Raises Unavailable."""
        now = self._clock() // 1_000_000
        is_store_there, told = True, 0
        for lead, settings in self._leads.unjudged(AT_ONCE):
            found, waits = None, now < lead.received + PATIENCE_MS
            try:
                found = self._evidence(lead) if is_store_there else None
            except Unavailable as error:
                log.warning("leads wait for the store, or are judged without it: %s", error)
                is_store_there = False
            except PulseError as error:
                log.warning("a lead is judged without the store: %s", error, extra={"lead": lead.id})
                waits = False
            except Exception:
                log.exception("a lead is judged without the store", extra={"lead": lead.id})
                waits = False
            if found is None and waits:
                continue
            self._judge(lead, settings, found, now)
            told += 1
        if told:
            self._told()
        return told

    def clean(self, before: int) -> None:
        """Forget the leads that were received before a moment."""
        while self._leads.clean(before) == FORGOTTEN:
            pass

    def _evidence(self, lead: Lead) -> Evidence | None:
        """What is stored of whoever sent it; None where its own event is not there. Raises as the store does."""
        return evidence(self._client, lead.site, lead.id, lead.received, lead.session)

    def _judge(self, lead: Lead, settings: Mapping[str, Any], found: Evidence | None, now: int) -> None:
        """First it is told, then noted that it was: who dies in between tells the same again, which is known by its id."""
        judged = self._suspicion(lead, settings, found)
        band = band_of(judged.score)
        notice = notice_of(lead, id_of(lead.id), CREATED, judged.score, judged.reasons, band)
        self._dispatch.write([Heard(notice, lead.received)], now)
        self._leads.judge(lead, judged.score, judged.reasons, band, now)
        meters.LEADS.labels(band).inc()

    def _suspicion(self, lead: Lead, settings: Mapping[str, Any], found: Evidence | None) -> Suspicion:
        forms = self._leads.alike(lead, lead.received - DAY_MS)
        known = known_of(self._email(lead), lead.honeypot, lead.seconds, forms, settings)
        if found is None:
            return suspicion(known)
        if not lead.is_linked:
            return suspicion(structs.replace(known, vpn=found.vpn))
        score = engaged(found.seconds, found.scrolled, found.clicks, found.returns)
        return suspicion(structs.replace(known, vpn=found.vpn, has_session=found.events > 0, engagement=score))

    def _email(self, lead: Lead) -> str:
        try:
            return personal_of(lead, self._seal).email
        except SettingError as error:
            log.warning("who a lead is cannot be read: %s", error, extra={"lead": lead.id})
            return ""
