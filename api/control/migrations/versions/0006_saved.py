"""Saved funnels, saved queries and annotations."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the tables."""
    _make_funnels()
    _make_queries()
    _make_annotations()


def downgrade() -> None:
    """Drop them with all they hold."""
    for table in ("funnels", "queries", "annotations"):
        op.drop_table(table)


def _make_funnels() -> None:
    op.create_table(
        "funnels",
        sa.Column("id", sa.String(64), nullable=False),
        sa.Column("organisation", sa.String(64), nullable=False),
        sa.Column("site", sa.String(64), nullable=False),
        sa.Column("name", sa.String(200), nullable=False),
        sa.Column("definition", sa.JSON(), nullable=False),
        sa.Column("created", sa.BigInteger(), nullable=False),
        sa.Column("changed", sa.BigInteger(), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_funnels")),
        sa.ForeignKeyConstraint(
            ["organisation"], ["organisations.id"], name=op.f("fk_funnels_organisation_organisations")
        ),
        sa.ForeignKeyConstraint(["site"], ["sites.id"], name=op.f("fk_funnels_site_sites")),
    )
    op.create_index(op.f("ix_funnels_organisation_id"), "funnels", ["organisation", "id"])
    op.create_index(op.f("ix_funnels_site"), "funnels", ["site"])


def _make_queries() -> None:
    op.create_table(
        "queries",
        sa.Column("id", sa.String(64), nullable=False),
        sa.Column("organisation", sa.String(64), nullable=False),
        sa.Column("site", sa.String(64), nullable=False),
        sa.Column("name", sa.String(200), nullable=False),
        sa.Column("route", sa.String(200), nullable=False),
        sa.Column("question", sa.JSON(), nullable=False),
        sa.Column("created", sa.BigInteger(), nullable=False),
        sa.Column("changed", sa.BigInteger(), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_queries")),
        sa.ForeignKeyConstraint(
            ["organisation"], ["organisations.id"], name=op.f("fk_queries_organisation_organisations")
        ),
        sa.ForeignKeyConstraint(["site"], ["sites.id"], name=op.f("fk_queries_site_sites")),
    )
    op.create_index(op.f("ix_queries_organisation_id"), "queries", ["organisation", "id"])
    op.create_index(op.f("ix_queries_site"), "queries", ["site"])


def _make_annotations() -> None:
    op.create_table(
        "annotations",
        sa.Column("id", sa.String(64), nullable=False),
        sa.Column("organisation", sa.String(64), nullable=False),
        sa.Column("site", sa.String(64), nullable=False),
        sa.Column("text", sa.String(2_000), nullable=False),
        sa.Column("tags", sa.JSON(), nullable=False),
        sa.Column("starts", sa.BigInteger(), nullable=False),
        sa.Column("ends", sa.BigInteger(), nullable=True),
        sa.Column("created", sa.BigInteger(), nullable=False),
        sa.Column("changed", sa.BigInteger(), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_annotations")),
        sa.ForeignKeyConstraint(
            ["organisation"], ["organisations.id"], name=op.f("fk_annotations_organisation_organisations")
        ),
        sa.ForeignKeyConstraint(["site"], ["sites.id"], name=op.f("fk_annotations_site_sites")),
    )
    op.create_index(op.f("ix_annotations_organisation_id"), "annotations", ["organisation", "id"])
    op.create_index(op.f("ix_annotations_site_starts"), "annotations", ["site", "starts"])
