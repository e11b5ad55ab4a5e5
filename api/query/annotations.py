"""/api/v1/annotations: what people note of a moment or a range of a site."""

from typing import Annotated, Any
from zoneinfo import ZoneInfo

from fastapi import APIRouter, Query, Response
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints

from api.control.model import Annotation, Site
from api.keyring import Key
from api.problems import BadParameter, documented
from api.query.access import Administrator, Reader
from api.query.page import USUAL, Limit
from api.query.parts import Parts, With, now_ms
from api.query.sites import found_site
from api.query.span import moment
from api.query.word import Moment, Reference
from clickhouse.reports.scope import Scope

LONGEST = 2_000
MOST_TAGS = 20
MOST_OF_AN_ANSWER = 1_000

router = APIRouter(prefix="/annotations", tags=["annotations"], responses=documented(400, 401, 403, 404, 503))


def _readable(text: str) -> str:
    if not text.replace("\n", "").isprintable():
        raise ValueError("must not hold control characters but line breaks")
    return text


Text = Annotated[
    str, StringConstraints(min_length=1, max_length=LONGEST, strip_whitespace=True), AfterValidator(_readable)
]
Tag = Annotated[str, StringConstraints(min_length=1, max_length=50), AfterValidator(_readable)]
Tags = Annotated[list[Tag], Field(max_length=MOST_TAGS)]
Since = Annotated[Moment | None, Query(description="Only what lies, at least in part, from this moment on.")]
Until = Annotated[Moment | None, Query(description="And before this one; a date is in whole.")]
OfSite = Annotated[Reference | None, Query(description="The site; may be left out where the key is bound to one.")]
AMOMENT = "ms since the epoch, an ISO 8601 time, or a date in the site's time zone."


class NewAnnotation(BaseModel):
    """What is to be noted."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "example": {"text": "Version 2 is out", "time": "2026-03-05T12:00:00Z", "tags": ["release"]}
        },
    )

    site_id: Reference | None = Field(None, description="The site; may be left out where the key is bound to one.")
    text: Text
    time: Moment = Field(description=f"When it was, or began: {AMOMENT}")
    end: Moment | None = Field(None, description="When it ended, likewise, a date in whole; it is a moment if missing.")
    tags: Tags = []


class AnnotationChange(BaseModel):
    """What is to be another."""

    model_config = ConfigDict(extra="forbid")

    text: Text | None = None
    time: Moment | None = Field(None, description=f"When it was, or began: {AMOMENT}")
    end: Moment | None = Field(None, description="When it ended; null makes it a moment.")
    tags: Tags | None = None


class AnnotationTold(BaseModel):
    """What was noted. Times are ms since the epoch."""

    id: str = Field(examples=["annotation_0f3a5b7c9d1e2f40"])
    site_id: str
    text: str
    time: int
    end: int | None = Field(description="The moment after its last; null for a moment.")
    tags: list[str]
    created: int
    changed: int


class Annotations(BaseModel):
    """What was noted, by when it was."""

    data: list[AnnotationTold]


@router.get("", summary="What was noted of a site")
async def list_annotations(
    key: Reader,
    parts: With,
    site_id: OfSite = None,
    start_date: Since = None,
    end_date: Until = None,
    limit: Limit = USUAL,
) -> Annotations:
    """The latest of a range, by when they were."""
    site = await found_site(parts, key, site_id)
    zone = ZoneInfo(site.timezone)
    start = moment("start_date", start_date, zone) if start_date else 0
    end = moment("end_date", end_date, zone, is_end=True) if end_date else 2**53
    found = await parts.stored(lambda store: store.annotations.between(site.id, start, end, limit))
    return Annotations(data=[told(each) for each in found])


@router.post("", status_code=201, summary="Note something")
async def create_annotation(key: Administrator, parts: With, wanted: NewAnnotation) -> AnnotationTold:
    """Of a moment, or of a range. Series show it on request: `annotations` of `POST /api/v1/query`."""
    site = await found_site(parts, key, wanted.site_id)
    values = {"text": wanted.text, "tags": wanted.tags, **_times(site, wanted.time, wanted.end)}
    made = await parts.stored(lambda store: store.annotations.create(key.organisation, site.id, values, now_ms()))
    await parts.answers.changed(site.id)
    return told(made)


@router.get("/{annotation_id}", summary="What was noted")
async def get_annotation(key: Reader, parts: With, annotation_id: Reference) -> AnnotationTold:
    """One of another organisation or site answers as one that does not exist."""
    return told(await _found(key, parts, annotation_id))


@router.patch("/{annotation_id}", summary="Change what was noted", responses=documented(409))
async def change_annotation(
    key: Administrator, parts: With, annotation_id: Reference, change: AnnotationChange
) -> AnnotationTold:
    """Whatever is not named stays as it is."""
    record = await _found(key, parts, annotation_id)
    site = await found_site(parts, key, record.site)
    values: dict[str, Any] = change.model_dump(exclude_none=True, include={"text", "tags"})
    if {"time", "end"} & change.model_fields_set:
        end = change.end if "end" in change.model_fields_set else None if record.ends is None else str(record.ends)
        values |= _times(site, change.time or str(record.starts), end)
    changed = await parts.stored(
        lambda store: store.annotations.change(key.organisation, key.site_id, annotation_id, values, now_ms())
    )
    await parts.answers.changed(site.id)
    return told(changed)


@router.delete("/{annotation_id}", status_code=204, summary="Forget what was noted", responses=documented(409))
async def remove_annotation(key: Administrator, parts: With, annotation_id: Reference) -> Response:
    """Series show it no longer."""
    gone = await parts.stored(lambda store: store.annotations.remove(key.organisation, key.site_id, annotation_id))
    await parts.answers.changed(gone.site)
    return Response(status_code=204)


def told(record: Annotation) -> AnnotationTold:
    """An annotation as it is answered."""
    return AnnotationTold(
        id=record.id,
        site_id=record.site,
        text=record.text,
        time=record.starts,
        end=record.ends,
        tags=record.tags,
        created=record.created,
        changed=record.changed,
    )


async def noted(parts: Parts, scope: Scope) -> list[AnnotationTold]:
    """What was noted of the range of a report, the latest if it is much."""
    found = await parts.stored(
        lambda store: store.annotations.between(scope.site_id, scope.start_ms, scope.end_ms, MOST_OF_AN_ANSWER)
    )
    return [told(each) for each in found]


def _times(site: Site, time: str, end: str | None) -> dict[str, int | None]:
    zone = ZoneInfo(site.timezone)
    starts = moment("time", time, zone)
    ends = None if end is None else moment("end", end, zone, is_end=True)
    if ends is not None and ends <= starts:
        raise BadParameter("end", "does not lie after time")
    return {"starts": starts, "ends": ends}


async def _found(key: Key, parts: Parts, annotation_id: str) -> Annotation:
    return await parts.stored(lambda store: store.annotations.get(key.organisation, key.site_id, annotation_id))
