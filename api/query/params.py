"""What every report that is asked by GET shares: the same as in a body, the filter as JSON text."""

import json
from typing import Annotated

from fastapi import Query
from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from api.problems import BadParameter
from api.query.filters import EXAMPLE, filter_of
from api.query.scoped import TRAFFIC, Scoped
from api.query.span import PERIOD, USUAL_PERIOD
from api.query.word import End, Reference, Start, Zone
from clickhouse.reports.cohort import NOBODY
from clickhouse.reports.filter import NOTHING, Filter, Membership, Parameters, sql_of
from clickhouse.reports.scope import Bots
from clickhouse.reports.traffic import Traffic

LONGEST_FILTER = 20_000


class _Assumed(dict[str, Membership]):
    """Cohorts before they are looked up: of any id there is one, of nobody."""

    def get(self, cohort: str, _: object = None) -> Membership:
        return NOBODY


class Narrowed(BaseModel):
    """Which events of a site."""

    model_config = ConfigDict(extra="forbid")

    site_id: Reference | None = Field(None, description="The site; may be left out where the key is bound to one.")
    filter: Annotated[str, StringConstraints(max_length=LONGEST_FILTER)] | None = Field(
        None, description=f"A filter as JSON, such as `{json.dumps(EXAMPLE['and'][0])}`; see `POST /api/v1/query`."
    )
    bots: Bots = Field("include", description="Whether crawlers and other machines count, or they alone.")
    traffic: Traffic = Field("all", description=TRAFFIC)

    def scoped(self) -> Scoped:
        """The same as a body; raises BadParameter for a filter that is none, QueryError for one that cannot be."""
        given = {name: value for name, value in self if name in Scoped.model_fields and name != "filter"}
        wanted = self._filter()
        sql_of(
            wanted, Parameters(cohorts=_Assumed())
        )  # refused under the place that the client knows, whatever a report adds to it
        return Scoped(**given).model_copy(update={"filter": wanted})

    def _filter(self) -> Filter:
        try:
            return NOTHING if self.filter is None else filter_of(json.loads(self.filter))
        except json.JSONDecodeError:
            raise BadParameter("filter", "is no JSON") from None
        except (ValueError, RecursionError) as error:
            raise BadParameter("filter", str(error).removeprefix("filter: ")) from None


class Ranged(Narrowed):
    """Which events of a site, and of which time."""

    period: Annotated[str, StringConstraints(pattern=PERIOD)] | None = Field(
        None,
        description=f"Minutes, hours, days or weeks up to now, such as `1h`, `24h`, `7d`, `30d`; `{USUAL_PERIOD}` if no time is named.",
    )
    start_date: Start = None
    end_date: End = None
    timezone: Zone | None = Field(None, description="IANA time zone of days; the site's if missing.")


class Listed(Ranged):
    """The same, of which the first so many are told."""

    limit: int = Field(100, ge=1, le=10_000, description="How many are told.")


AskedRange = Annotated[Ranged, Query()]
AskedList = Annotated[Listed, Query()]
AskedNow = Annotated[Narrowed, Query()]
