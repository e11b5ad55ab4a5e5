"""The tables of what goes out: endpoints, what each is to be told, and each attempt at it. Times are ms since the epoch."""

from sqlalchemy import ForeignKey, Index, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from api.control.model import Base

PENDING, DELIVERED, DEAD, OVERTAKEN = "pending", "delivered", "dead", "overtaken"
"""The states of a delivery; what is overtaken is not sent, as the end of what it tells of was delivered already."""


class Endpoint(Base):
    """Where notices of a site go. What may be a secret is kept sealed: it is published nowhere, and so the record is not."""

    __tablename__ = "endpoints"
    __table_args__ = (Index(None, "organisation", "id"), Index(None, "site"))

    id: Mapped[str] = mapped_column(String(64), primary_key=True)
    organisation: Mapped[str] = mapped_column(String(64), ForeignKey("organisations.id"))
    site: Mapped[str] = mapped_column(String(64), ForeignKey("sites.id"))
    name: Mapped[str] = mapped_column(String(200))
    url: Mapped[str] = mapped_column(Text)
    kinds: Mapped[list[str]]
    template: Mapped[str] = mapped_column(String(32))
    headers: Mapped[str] = mapped_column(Text)
    """Sealed: a JSON object."""
    secret: Mapped[str] = mapped_column(Text)
    """Sealed."""
    previous: Mapped[str | None] = mapped_column(Text)
    """Sealed: the secret before, which signs too until `previous_until`."""
    previous_until: Mapped[int | None]
    unmasked: Mapped[bool] = mapped_column(default=False)
    """Whether it is told who leads are, in whole."""
    enabled: Mapped[bool]
    disabled: Mapped[int | None]
    disabled_why: Mapped[str | None] = mapped_column(Text)
    untold: Mapped[bool] = mapped_column(default=False)
    """Whether it was disabled and nobody has been told yet."""
    failures: Mapped[int] = mapped_column(default=0)
    """In a row."""
    failing_since: Mapped[int | None]
    blocked_until: Mapped[int] = mapped_column(default=0)
    """Until when it is left alone, because it fails or asked for it."""
    created: Mapped[int]
    risks_since: Mapped[int] = mapped_column(default=0)
    """When it was last taken to telling of sessions of a high risk: what was received before is not told it."""
    version: Mapped[int] = mapped_column()

    __mapper_args__ = {"version_id_col": version}  # noqa: RUF012 - the form that SQLAlchemy asks for


class Delivery(Base):
    """One notice for one endpoint. Its id follows from the two, and is what the receiver knows it by."""

    __tablename__ = "deliveries"
    __table_args__ = (
        UniqueConstraint("endpoint", "notice"),
        Index(None, "endpoint", "state", "due"),
        Index(None, "endpoint", "created", "id"),
        Index(None, "state", "finished"),
        Index(None, "untold"),
    )

    id: Mapped[str] = mapped_column(String(64), primary_key=True)
    endpoint: Mapped[str] = mapped_column(String(64), ForeignKey("endpoints.id", ondelete="CASCADE"))
    site: Mapped[str] = mapped_column(String(64))
    notice: Mapped[str] = mapped_column(String(200))
    kind: Mapped[str] = mapped_column(String(100))
    record: Mapped[str] = mapped_column(Text)
    """The notice, as JSON."""
    created: Mapped[int]
    state: Mapped[str] = mapped_column(String(16))
    due: Mapped[int]
    """When it is tried next. Whoever takes it sets this ahead: if he dies, it is due again."""
    taken_by: Mapped[str | None] = mapped_column(String(100))
    tries: Mapped[int] = mapped_column(default=0)
    """Attempts of the schedule that are used up; a redelivery begins anew."""
    attempts: Mapped[int] = mapped_column(default=0)
    """Attempts that are recorded."""
    status: Mapped[int | None]
    error: Mapped[str] = mapped_column(Text, default="")
    finished: Mapped[int | None]
    untold: Mapped[bool] = mapped_column(default=False)
    """Whether it is dead and not yet in the topic of the dead."""


class Attempt(Base):
    """One attempt at a delivery: what was answered, or why nothing was."""

    __tablename__ = "delivery_attempts"
    __table_args__ = (Index(None, "untold"),)

    delivery: Mapped[str] = mapped_column(String(64), ForeignKey("deliveries.id", ondelete="CASCADE"), primary_key=True)
    number: Mapped[int] = mapped_column(primary_key=True)
    at: Mapped[int]
    ms: Mapped[int]
    status: Mapped[int | None]
    verdict: Mapped[str] = mapped_column(String(16))
    answer: Mapped[str] = mapped_column(Text)
    """The first 1 kB of it."""
    error: Mapped[str] = mapped_column(Text)
    untold: Mapped[bool] = mapped_column(default=True)
    """Whether the store of events does not know it yet."""
