"""GET /api/v1/leads/projects and …/sources: how many leads sites had, and where those came from who sent them."""

from dataclasses import asdict
from typing import Annotated
from zoneinfo import ZoneInfo

from fastapi import APIRouter, Query, Request
from pydantic import BaseModel, ConfigDict, Field

from api.allowed import own_site
from api.control.leads import Counted
from api.control.store import Store
from api.problems import documented
from api.query.access import LeadReader
from api.query.asking import asked as answered
from api.query.leadform import ONE_SITE
from api.query.parts import With
from api.query.reports import AskedSources, Meta, SourceRow, SourcesResponse
from api.query.scoped import scope_of
from api.query.span import moment
from api.query.word import Moment, Reference
from clickhouse.reports import sources
from clickhouse.reports.filter import AllOf, Condition

UTC = ZoneInfo("UTC")
EVENT = Condition("event", "eq", ("lead",))
"""What says in the store that there was one."""

router = APIRouter(tags=["leads"], responses=documented(400, 401, 403, 404, 503))


class AskedProjects(BaseModel):
    """Of which sites, and of which time."""

    model_config = ConfigDict(extra="forbid")

    site_id: Reference | None = Field(None, description=ONE_SITE)
    start_date: Moment | None = Field(
        None, description="Received from here on: ms since the epoch, or an ISO 8601 time or date, in UTC."
    )
    end_date: Moment | None = Field(None, description="Received before, likewise; a date is in whole.")


class Project(BaseModel):
    """A site that had leads."""

    site_id: str
    name: str = Field(description="What people call the site.")
    leads: int
    latest: int = Field(description="When the last one was received, ms since the epoch.")
    by_status: dict[str, int]
    by_band: dict[str, int] = Field(description="By how suspicious they are; empty until that is judged.")


class Projects(BaseModel):
    """Sites, those with the most leads first."""

    projects: list[Project]


@router.get("/projects", summary="How many leads each site had")
async def lead_projects(key: LeadReader, parts: With, asked: Annotated[AskedProjects, Query()]) -> Projects:
    """A project is a site; those without leads in that time are left out."""
    since = None if asked.start_date is None else moment("start_date", asked.start_date, UTC)
    until = None if asked.end_date is None else moment("end_date", asked.end_date, UTC, is_end=True)

    def count(store: Store) -> list[Counted]:
        site = (
            key.site_id if asked.site_id is None else store.sites.get(key.organisation, own_site(key, asked.site_id)).id
        )
        return list(store.leads.counted(key.organisation, site, since, until))

    return Projects(projects=projects_of(await parts.stored(count)))


@router.get("/sources", summary="Where those came from who sent leads", responses=documented(504))
async def lead_sources(
    request: Request, key: LeadReader, parts: With, asked: Annotated[AskedSources, Query()]
) -> SourcesResponse:
    """`GET /api/v1/reports/sources` of the sessions in which a lead was sent."""
    whole = asked.scoped()
    scope = await scope_of(whole.model_copy(update={"filter": AllOf((whole.filter, EVENT))}), key, parts)
    found = await answered(request, parts, lambda client: sources.sources(client, scope, asked.by, asked.limit))
    return SourcesResponse(
        sources=[SourceRow(**asdict(each)) for each in found.sources],
        total=SourceRow(**asdict(found.total)),
        count=found.count,
        meta=Meta(source="events", rows_read=found.rows_read, ms=found.ms),
    )


def projects_of(counted: list[Counted]) -> list[Project]:
    """The parts put together by site."""
    found: dict[str, Project] = {}
    for each in counted:
        empty = Project(site_id=each.site, name=each.name, leads=0, latest=0, by_status={}, by_band={})
        project = found.setdefault(each.site, empty)
        project.leads += each.leads
        project.latest = max(project.latest, each.latest)
        project.by_status[each.status] = project.by_status.get(each.status, 0) + each.leads
        project.by_band[each.band] = project.by_band.get(each.band, 0) + each.leads
    return sorted(found.values(), key=lambda each: (-each.leads, each.site_id))
