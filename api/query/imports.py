"""/api/v1/imports: whoever has imported events says so, and those are told who want to know."""

from typing import Annotated

from anyio import to_thread
from fastapi import APIRouter
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, Strict, StringConstraints

from api.problems import documented
from api.query.access import Importer
from api.query.parts import With, now_ms
from api.query.sites import found_site
from api.query.telling import tell
from api.query.word import Reference, shaped
from pulse.importing.notice import MOST_FILES, name_of, notice_of

router = APIRouter(tags=["imports"], responses=documented(400, 401, 403, 404, 503))


def _named(text: str) -> str:
    if not text.isprintable() or not name_of(text):
        raise ValueError("is no file's name")
    return name_of(text)


File = Annotated[str, StringConstraints(min_length=1, max_length=1_000), AfterValidator(_named)]
Count = Annotated[int, Strict(), Field(ge=0, le=10**15)]


class Import(BaseModel):
    """An import that is done."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "example": {"id": "2026-11-27", "files": ["old.ndjson"], "accepted": 9_950, "refused": 50, "seconds": 4.2}
        },
    )

    id: Annotated[
        str, StringConstraints(max_length=100), shaped(r"[A-Za-z0-9_.:-]+", "is not of A-Z a-z 0-9 _ . : -")
    ] = Field(description="By which this import is known: told again under the same id it is the same notice.")
    site_id: Reference | None = Field(None, description="The site; may be left out where the key is bound to one.")
    files: list[File] = Field(
        min_length=1, max_length=MOST_FILES, description="The files' names; where they lie is left out."
    )
    accepted: Count = Field(description="Events that were accepted.")
    refused: Count = Field(0, description="Lines or events that were refused.")
    seconds: float = Field(ge=0, le=1e9, allow_inf_nan=False, description="How long it took.")


class Told(BaseModel):
    """The notice that was told."""

    id: str


@router.post("/imports", status_code=202, summary="Tell that an import is done")
async def tell_import(key: Importer, parts: With, done: Import) -> Told:
    """A notice `import.done` for webhooks and the live view. The numbers are what the importer says. It takes a key that reads statistics and sends events."""
    site = await found_site(parts, key, done.site_id)
    notice = notice_of(site.id, done.id, done.files, done.accepted, done.refused, done.seconds, now_ms())
    await to_thread.run_sync(tell, parts.kafka_url, notice)
    return Told(id=notice.id)
