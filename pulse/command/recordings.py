"""`pulse recordings`: what sessions did, as it is kept: deleting what is old, and who is to be forgotten."""

import re
import time
from typing import Annotated

import typer
from msgspec import json
from pydantic import SecretStr

from pulse.command import situation
from pulse.command.sentence import Sentences
from pulse.errors import PulseError
from pulse.event import SITE
from pulse.recordings.keeping import forget, forget_session, oldest_kept, prune, sweep, whose
from pulse.recordings.recorded import Recorded
from pulse.recordings.store import Objects, opened

recordings = typer.Typer(
    cls=Sentences, no_args_is_help=True, help="Recordings of sessions: deleting old ones, and those of somebody."
)

MOST_DAYS = 36_500


def _site(given: str) -> str:
    if not re.match(SITE, given):
        raise typer.BadParameter(f"{given!r} is no site's id")
    return given


Days = Annotated[
    int | None,
    typer.Option(
        "--days", min=1, max=MOST_DAYS, help="For how many days they stay; else as PULSE_RECORDINGS_DAYS says."
    ),
]
Url = Annotated[
    str,
    typer.Option("--url", help="Where they are, if not where PULSE_RECORDINGS_URL says: after recording was ended."),
]
Site = Annotated[str, typer.Option("--site", callback=_site, help="The site.")]
Visitor = Annotated[str, typer.Option("--visitor", help="A visitor's id: each session with an event of theirs goes.")]
User = Annotated[str, typer.Option("--user", help="A person's id, likewise.")]
Session = Annotated[str, typer.Option("--session", help="A session's id: it goes.")]
Dry = Annotated[bool, typer.Option("--dry-run", help="Only name the sessions that would go, a line each.")]


@recordings.command("prune")
def prune_old(days: Days = None, url: Url = "") -> None:
    """Delete the recordings of days that are too long ago, as happens by itself each night; tell how many are left."""
    now = time.time_ns() // 1_000_000
    oldest = oldest_kept(now, days or situation.settings().recordings_days)
    objects = _store(url)
    sweep(objects, now)
    done = prune(objects, oldest)
    typer.echo(
        f"{done.gone:,} objects ({done.gone_bytes / 1e6:,.1f} MB) of days before {oldest} were deleted; "
        f"{done.left:,} ({done.left_bytes / 1e6:,.1f} MB) are left"
    )


@recordings.command("forget")
def forget_somebody(
    site: Site, visitor: Visitor = "", user: User = "", session: Session = "", dry_run: Dry = False, url: Url = ""
) -> None:
    """Delete all recordings of a visitor, a person or a session. What is written down meanwhile may come after: run it again."""
    if [visitor, user, session].count("") != 2:
        raise PulseError("name one of --visitor, --user and --session")
    objects = _store(url)

    def is_theirs(each: Recorded) -> bool:
        if session:
            return each.session_id == session
        return each.visitor_id == visitor if visitor else each.user_id == user

    if dry_run:
        for each in sorted(whose(objects, site, is_theirs).values()):
            typer.echo(json.encode(each).decode())
        return
    sweep(objects, time.time_ns() // 1_000_000)
    gone = forget_session(objects, site, session) if session else forget(objects, site, is_theirs)
    typer.echo(f"{gone:,} objects were deleted")


def _store(url: str) -> Objects:
    settings = situation.settings()
    given = settings.model_copy(update={"recordings_url": SecretStr(url)}) if url else settings
    objects = opened(given)
    if objects is None:
        raise PulseError("PULSE_RECORDINGS_URL is empty: there are no recordings; --url says where they were")
    return objects
