"""`pulse recordings`: what sessions did, as it is kept: deleting what is old, and who is to be forgotten."""

import time
from typing import Annotated

import typer

from pulse.command import situation
from pulse.command.sentence import Sentences
from pulse.errors import PulseError
from pulse.recordings.keeping import forget, forget_session, oldest_kept, prune
from pulse.recordings.store import Objects, opened

recordings = typer.Typer(
    cls=Sentences, no_args_is_help=True, help="Recordings of sessions: deleting old ones, and those of somebody."
)

Days = Annotated[
    int | None, typer.Option("--days", min=1, help="For how many days they stay; else as PULSE_RECORDINGS_DAYS says.")
]
Site = Annotated[str, typer.Option("--site", help="The site.")]
Visitor = Annotated[str, typer.Option("--visitor", help="A visitor's id: each session with an event of theirs goes.")]
User = Annotated[str, typer.Option("--user", help="A person's id, likewise.")]
Session = Annotated[str, typer.Option("--session", help="A session's id: it goes.")]


@recordings.command("prune")
def prune_old(days: Days = None) -> None:
    """Delete the recordings of days that are too long ago, as happens by itself each night; tell how many are left."""
    at = situation.settings()
    oldest = oldest_kept(time.time_ns() // 1_000_000, days or at.recordings_days)
    done = prune(_store(), oldest)
    typer.echo(
        f"{done.gone:,} objects ({done.gone_bytes / 1e6:,.1f} MB) of days before {oldest} were deleted; "
        f"{done.left:,} ({done.left_bytes / 1e6:,.1f} MB) are left"
    )


@recordings.command("forget")
def forget_somebody(site: Site, visitor: Visitor = "", user: User = "", session: Session = "") -> None:
    """Delete all recordings of a visitor, a person or a session. What is written down meanwhile may come after: run it again."""
    if [visitor, user, session].count("") != 2:
        raise PulseError("name one of --visitor, --user and --session")
    if session:
        gone = forget_session(_store(), site, session)
    else:
        gone = forget(_store(), site, lambda each: each.visitor_id == visitor if visitor else each.user_id == user)
    typer.echo(f"{gone:,} objects were deleted")


def _store() -> Objects:
    objects = opened(situation.settings())
    if objects is None:
        raise PulseError("PULSE_RECORDINGS_URL is empty: there are no recordings")
    return objects
