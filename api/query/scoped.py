"""What every report's request shares: the site, the range, the time zone, the filter, the bots."""

from typing import Annotated
from zoneinfo import ZoneInfo

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from api.keyring import Key
from api.query.cohortform import ids_in
from api.query.filters import FilterForm
from api.query.membership import cohorts_of
from api.query.parts import Parts, now_ms
from api.query.sites import found_site
from api.query.span import PERIOD, USUAL_PERIOD, span
from api.query.word import End, Reference, Start, Zone
from clickhouse.reports.filter import NOTHING
from clickhouse.reports.scope import Bots, Scope
from clickhouse.reports.traffic import RISKY, Traffic, narrowed

TRAFFIC = (
    f"`clean` counts events by no bot and of a risk below {RISKY}, `risky` the others; each event by its own verdict."
)


class Scoped(BaseModel):
    """The shared part of a report's body."""

    model_config = ConfigDict(extra="forbid")

    site_id: Reference | None = Field(None, description="The site; may be left out where the key is bound to one.")
    period: Annotated[str, StringConstraints(pattern=PERIOD)] | None = Field(
        None,
        description=f"Minutes, hours, days or weeks up to now, such as `1h`, `24h`, `7d`, `30d`; `{USUAL_PERIOD}` if no time is named.",
    )
    start_date: Start = None
    end_date: End = None
    timezone: Zone | None = Field(None, description="IANA time zone of hours, days and weeks; the site's if missing.")
    filter: FilterForm = NOTHING
    bots: Bots = Field("include", description="Whether crawlers and other machines count, or they alone.")
    traffic: Traffic = Field("all", description=TRAFFIC)


async def scope_of(asked: Scoped, key: Key, parts: Parts) -> Scope:
    """The scope that a request names; raises NotFound, Forbidden and BadParameter."""
    site = await found_site(parts, key, asked.site_id)
    zone = ZoneInfo(asked.timezone or site.timezone)
    now = now_ms()
    start, end = span(asked.start_date, asked.end_date, asked.period, zone, now)
    cohorts = await cohorts_of(parts, site, ids_in(asked.model_dump()), now)
    known = await parts.people.of(site.id)
    return Scope(
        site.id, start, end, zone.key, narrowed(asked.filter, asked.traffic), asked.bots, cohorts, known.people
    )
