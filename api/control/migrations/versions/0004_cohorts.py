"""Cohorts."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the table."""
    op.create_table(
        "cohorts",
        sa.Column("id", sa.String(64), nullable=False),
        sa.Column("organisation", sa.String(64), nullable=False),
        sa.Column("site", sa.String(64), nullable=False),
        sa.Column("name", sa.String(200), nullable=False),
        sa.Column("of", sa.String(16), nullable=False),
        sa.Column("definition", sa.JSON(), nullable=False),
        sa.Column("created", sa.BigInteger(), nullable=False),
        sa.Column("changed", sa.BigInteger(), nullable=False),
        sa.Column("archived", sa.BigInteger(), nullable=True),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_cohorts")),
        sa.ForeignKeyConstraint(
            ["organisation"], ["organisations.id"], name=op.f("fk_cohorts_organisation_organisations")
        ),
        sa.ForeignKeyConstraint(["site"], ["sites.id"], name=op.f("fk_cohorts_site_sites")),
    )
    op.create_index(op.f("ix_cohorts_organisation_id"), "cohorts", ["organisation", "id"])
    op.create_index(op.f("ix_cohorts_site"), "cohorts", ["site"])


def downgrade() -> None:
    """Drop it with all it holds."""
    op.drop_table("cohorts")
