"""The tables of the control plane. Times are ms since the epoch; types are those that SQLite and PostgreSQL share."""

from typing import Any, ClassVar

from sqlalchemy import JSON, BigInteger, ForeignKey, Index, MetaData, String
from sqlalchemy.orm import DeclarativeBase, Mapped, declared_attr, mapped_column

from pulse.mode import STANDARD


class Base(DeclarativeBase):
    """What all tables share: one naming of constraints, so that migrations can name them."""

    metadata = MetaData(
        naming_convention={
            "ix": "ix_%(table_name)s_%(column_0_N_name)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "fk": "fk_%(table_name)s_%(column_0_name)s_%(referred_table_name)s",
            "pk": "pk_%(table_name)s",
        }
    )
    type_annotation_map: ClassVar[dict[Any, Any]] = {int: BigInteger, dict[str, Any]: JSON, list[str]: JSON}


class Organisation(Base):
    """Who owns sites and keys."""

    __tablename__ = "organisations"

    id: Mapped[str] = mapped_column(String(64), primary_key=True)
    name: Mapped[str] = mapped_column(String(200))
    created: Mapped[int]


class Site(Base):
    """What events belong to. Its id is public: it stands in every event and question."""

    __tablename__ = "sites"
    __table_args__ = (Index(None, "organisation", "id"),)

    id: Mapped[str] = mapped_column(String(64), primary_key=True)
    organisation: Mapped[str] = mapped_column(String(64), ForeignKey("organisations.id"))
    name: Mapped[str] = mapped_column(String(200))
    timezone: Mapped[str] = mapped_column(String(64), default="UTC")
    settings: Mapped[dict[str, Any]] = mapped_column(default=dict)
    mode: Mapped[str] = mapped_column(String(16), default=STANDARD, server_default=STANDARD)
    created: Mapped[int]
    archived: Mapped[int | None]
    version: Mapped[int] = mapped_column()

    __mapper_args__ = {"version_id_col": version}  # noqa: RUF012 - the form that SQLAlchemy asks for

    def record_name(self) -> str:
        """The key of its record in `pulse.config`."""
        return f"site:{self.id}"

    def public(self) -> dict[str, Any]:
        """The site as `pulse.config` carries it."""
        return {
            "kind": "site",
            "id": self.id,
            "organisation": self.organisation,
            "name": self.name,
            "timezone": self.timezone,
            "settings": self.settings,
            "mode": self.mode,
            "created": self.created,
            "archived": self.archived,
            "version": self.version,
        }


class ApiKey(Base):
    """A key: of the key itself only its beginning, the fingerprint it is found by and a slow hash are kept."""

    __tablename__ = "api_keys"
    __table_args__ = (Index(None, "organisation", "id"), Index(None, "site"))

    id: Mapped[str] = mapped_column(String(64), primary_key=True)
    organisation: Mapped[str] = mapped_column(String(64), ForeignKey("organisations.id"))
    site: Mapped[str | None] = mapped_column(String(64), ForeignKey("sites.id"))
    name: Mapped[str] = mapped_column(String(200))
    prefix: Mapped[str] = mapped_column(String(32))
    fingerprint: Mapped[str] = mapped_column(String(64), unique=True)
    hashed: Mapped[str] = mapped_column(String(200))
    scopes: Mapped[list[str]]
    origins: Mapped[list[str]] = mapped_column(default=list)
    is_public: Mapped[bool]
    created: Mapped[int]
    expires: Mapped[int | None]
    revoked: Mapped[int | None]
    last_used: Mapped[int | None]
    version: Mapped[int] = mapped_column()

    __mapper_args__ = {"version_id_col": version}  # noqa: RUF012 - the form that SQLAlchemy asks for

    def record_name(self) -> str:
        """The key of its record in `pulse.config`."""
        return f"key:{self.id}"

    def ends(self) -> int | None:
        """When it stops being valid, None if never."""
        return min((end for end in (self.expires, self.revoked) if end is not None), default=None)

    def public(self) -> dict[str, Any]:
        """The key as `pulse.config` carries it: nothing by which it could be found or guessed."""
        return {
            "kind": "key",
            "id": self.id,
            "organisation": self.organisation,
            "site_id": self.site,
            "name": self.name,
            "scopes": self.scopes,
            "origins": self.origins,
            "public": self.is_public,
            "created": self.created,
            "expires": self.expires,
            "revoked": self.revoked,
            "version": self.version,
        }


class AlertRule(Base):
    """A rule by which somebody is alerted. One that is removed stays as archived, so that all learn of it."""

    __tablename__ = "rules"
    __table_args__ = (Index(None, "organisation", "id"), Index(None, "site"))

    id: Mapped[str] = mapped_column(String(64), primary_key=True)
    organisation: Mapped[str] = mapped_column(String(64), ForeignKey("organisations.id"))
    site: Mapped[str] = mapped_column(String(64), ForeignKey("sites.id"))
    name: Mapped[str] = mapped_column(String(200))
    definition: Mapped[dict[str, Any]]
    enabled: Mapped[bool]
    muted: Mapped[bool]
    snoozed_until: Mapped[int | None]
    created: Mapped[int]
    changed: Mapped[int]
    archived: Mapped[int | None]
    version: Mapped[int] = mapped_column()

    __mapper_args__ = {"version_id_col": version}  # noqa: RUF012 - the form that SQLAlchemy asks for

    def record_name(self) -> str:
        """The key of its record in `pulse.config`."""
        return f"rule:{self.id}"

    def public(self) -> dict[str, Any]:
        """The rule as `pulse.config` carries it."""
        return {
            "kind": "rule",
            "id": self.id,
            "organisation": self.organisation,
            "site_id": self.site,
            "name": self.name,
            "definition": self.definition,
            "enabled": self.enabled,
            "muted": self.muted,
            "snoozed_until": self.snoozed_until,
            "created": self.created,
            "changed": self.changed,
            "archived": self.archived,
            "version": self.version,
        }


class CohortRecord(Base):
    """A cohort: who belongs together by what they did. One that is removed stays as archived, so that all learn of it."""

    __tablename__ = "cohorts"
    __table_args__ = (Index(None, "organisation", "id"), Index(None, "site"))

    id: Mapped[str] = mapped_column(String(64), primary_key=True)
    organisation: Mapped[str] = mapped_column(String(64), ForeignKey("organisations.id"))
    site: Mapped[str] = mapped_column(String(64), ForeignKey("sites.id"))
    name: Mapped[str] = mapped_column(String(200))
    of: Mapped[str] = mapped_column(String(16))
    definition: Mapped[dict[str, Any]]
    created: Mapped[int]
    changed: Mapped[int]
    archived: Mapped[int | None]
    version: Mapped[int] = mapped_column()

    __mapper_args__ = {"version_id_col": version}  # noqa: RUF012 - the form that SQLAlchemy asks for

    def record_name(self) -> str:
        """The key of its record in `pulse.config`."""
        return f"cohort:{self.id}"

    def public(self) -> dict[str, Any]:
        """The cohort as `pulse.config` carries it."""
        return {
            "kind": "cohort",
            "id": self.id,
            "organisation": self.organisation,
            "site_id": self.site,
            "name": self.name,
            "of": self.of,
            "definition": self.definition,
            "created": self.created,
            "changed": self.changed,
            "archived": self.archived,
            "version": self.version,
        }


class OfSite:
    """What is saved of a site: whose it is, when it was made and changed; who changes it must have seen its last version."""

    id: Mapped[str] = mapped_column(String(64), primary_key=True)
    organisation: Mapped[str] = mapped_column(String(64), ForeignKey("organisations.id"))
    site: Mapped[str] = mapped_column(String(64), ForeignKey("sites.id"))
    created: Mapped[int]
    changed: Mapped[int]
    version: Mapped[int] = mapped_column()

    @declared_attr.directive
    def __mapper_args__(cls) -> dict[str, Any]:  # noqa: N805 - SQLAlchemy gives the class
        return {"version_id_col": cls.version}


class SavedFunnel(OfSite, Base):
    """A funnel that is asked again and again: its steps and how they are counted."""

    __tablename__ = "funnels"
    __table_args__ = (Index(None, "organisation", "id"), Index(None, "site"))

    name: Mapped[str] = mapped_column(String(200))
    definition: Mapped[dict[str, Any]]


class SavedQuery(OfSite, Base):
    """A question to a report's route under an address of its own."""

    __tablename__ = "queries"
    __table_args__ = (Index(None, "organisation", "id"), Index(None, "site"))

    name: Mapped[str] = mapped_column(String(200))
    route: Mapped[str] = mapped_column(String(200))
    question: Mapped[dict[str, Any]]


class Annotation(OfSite, Base):
    """What people note of a moment or a range of a site: a release, a campaign, an outage."""

    __tablename__ = "annotations"
    __table_args__ = (Index(None, "organisation", "id"), Index(None, "site", "starts"))

    text: Mapped[str] = mapped_column(String(2_000))
    tags: Mapped[list[str]]
    starts: Mapped[int]
    ends: Mapped[int | None]
