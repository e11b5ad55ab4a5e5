"""The tables of the control plane. Times are ms since the epoch; types are those that SQLite and PostgreSQL share."""

from typing import Any, ClassVar

from sqlalchemy import JSON, BigInteger, ForeignKey, Index, MetaData, String
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column


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
